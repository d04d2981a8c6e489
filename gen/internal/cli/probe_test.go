package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/gen/internal/bundle"
)

// Each directory of testdata/probe has a file of answers, the profile that it makes, and what gen says of it. The one of
// the testbed was captured there.
func TestProbeReadsAnswers(t *testing.T) {
	t.Chdir("../../testdata/probe")
	cases, err := filepath.Glob("*")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range cases {
		t.Run(dir, func(t *testing.T) {
			status, stdout, stderr := gen("", "probe", filepath.Join(dir, "answers.txt"))
			golden(t, filepath.Join(dir, "stderr.txt"), []byte(stderr))
			if fails := dir == "waiting" || dir == "broken"; fails != (status == 1) || fails != (stdout == "") {
				t.Fatalf("status %d, %d bytes of profile", status, len(stdout))
			} else if !fails {
				golden(t, filepath.Join(dir, "profile.yaml"), []byte(stdout))
			}
		})
	}
}

// A profile from answers compiles a recipe for several nodes.
func TestProfileFromAnswersCompiles(t *testing.T) {
	for _, dir := range []string{"testbed", "site"} {
		profile := "../../testdata/probe/" + dir + "/profile.yaml"
		e := env{stderr: os.Stderr}
		src, err := e.read("../../testdata/clusters/recipe.yaml", surroundings{cluster: profile, sets: many{"account=p200981", "resources.servers.cpus_per_task=4", "resources.clients.cpus_per_task=2"}})
		if err != nil {
			t.Fatal(err)
		}
		if src.Diags.Failed() {
			t.Errorf("%s: %v", dir, src.Diags)
			continue
		}
		if _, err := src.bundle(nil, surroundings{cluster: profile}); err != nil {
			t.Error(err)
		}
	}
}

// The script asks with the directives it was given, and shellcheck has nothing to say of it.
func TestProbeScript(t *testing.T) {
	dir := t.TempDir()
	status, stdout, stderr := gen("", "probe", "-o", dir, "--partition", "gpu", "--account", "p200981", "--qos", "test")
	if status != 0 || !strings.Contains(stdout, "next  on a login node: bash probe.sbatch") {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	script := filepath.Join(dir, "probe/probe.sbatch")
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	const want = "#SBATCH --job-name=probe\n#SBATCH --partition=gpu\n#SBATCH --account=p200981\n#SBATCH --qos=test\n#SBATCH --nodes=1\n"
	if !strings.Contains(string(text), want) {
		t.Errorf("the script does not begin its directives with\n%s", want)
	}
	for _, check := range [][]string{{"bash", "-n", script}, {"shellcheck", script}} {
		if _, err := exec.LookPath(check[0]); err != nil {
			t.Logf("%s is not installed", check[0])
			continue
		}
		if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", check[0], err, out)
		}
	}
	if status, _, stderr := gen("", "probe", "-o", dir, "--partition", "a b"); status != 2 || !strings.Contains(stderr, `"a b" can't stand in an #SBATCH line`) {
		t.Errorf("status %d: %s", status, stderr)
	}
}

// Both halves of the script, with commands that answer as a site with accounting, modules and a login shell's module
// would. The job is told from the login node by SLURM_JOB_ID, and asks a GPU of a partition that has some.
func TestProbeScriptAsks(t *testing.T) {
	dir := t.TempDir()
	if status, _, stderr := gen("", "probe", "-o", dir, "--partition", "gpu"); status != 0 {
		t.Fatal(stderr)
	}
	site := bundle.Bundle{Slug: "site"}
	for name, text := range map[string]string{
		"bin/sinfo":          `case $* in *version*) echo slurm 23.11.10 ;; *%R*) echo 'gpu|2|8|1000|gpu:4' ;; *%G) echo gpu:4 ;; esac`,
		"bin/scontrol":       `case $* in *config) echo 'ClusterName = mine'; echo 'Other = x' ;; *partition) echo PartitionName=gpu MaxTime=1:00 ;; *) echo NodeName=n1 Gres=gpu:4 CPUTot=8 ;; esac`,
		"bin/sacctmgr":       `case $* in *qos\ *) echo 'test|00:30:00' ;; *) echo 'p1||test|test' ;; esac`,
		"bin/srun":           `echo MPI plugin types are...; echo pmix`,
		"bin/sbatch":         `printf '%s\n' "$*" >>asked; echo '7;mine'; SLURM_JOB_ID=7 SLURM_JOB_PARTITION=gpu SLURM_SUBMIT_DIR=$PWD SLURM_JOB_GPUS=0 bash "${@: -1}" >job.out`,
		"bin/timeout":        `shift; [[ $* != */dev/tcp/* ]] && exec "$@"`,
		"home/.bash_profile": `module() { case $2 in avail) printf '%s\n' /apps/modules: 'apptainer/1.3.1(default)' apptainer/ 'No module "x"' ;; *) echo Apptainer/1.4 ;; esac; }`,
	} {
		site.Add(name, 0o755, []byte("#!/bin/bash\n"+text+"\n"))
	}
	if _, err := bundle.Write(dir, &site, false); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", filepath.Join(dir, "probe/probe.sbatch"), "--account=p1")
	cmd.Env = []string{"PATH=" + filepath.Join(dir, "site/bin") + ":/usr/bin:/bin", "HOME=" + filepath.Join(dir, "site/home"), "SSH_CONNECTION=192.0.2.1 51 192.0.2.2 8822"}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "job 7 asks a node") {
		t.Fatalf("%v\n%s", err, out)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "probe/asked"))
	if err != nil || string(asked) != "--parsable --gres=gpu:1 --account=p1 probe.sbatch\n" {
		t.Errorf("sbatch got %q, %v", asked, err)
	}
	answers, err := os.ReadFile(filepath.Join(dir, "probe/answers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"login.ssh_port = 8822", "slurm.config = ClusterName = mine", "slurm.partition = PartitionName=gpu MaxTime=1:00", "slurm.nodes = gpu|2|8|1000|gpu:4",
		"slurm.qos = test|00:30:00", "slurm.association = p1||test|test", "slurm.mpi = pmix", "node.partition = gpu", "node.job_gpus = 0",
		"node.slurm = NodeName=n1 Gres=gpu:4 CPUTot=8", "node.module_in_login_shell = function", "node.runtime_module = apptainer/1.3.1",
		"node.runtime_module_hidden = Apptainer/1.4", "node.internet = huggingface.co no",
	} {
		if !strings.Contains("\n"+string(answers), "\n"+want+"\n") {
			t.Errorf("no answer %q in\n%s", want, answers)
		}
	}
	if strings.Contains(string(answers), "Other") || strings.Contains(string(answers), "apptainer/\n") || strings.Count(string(answers), "node.host") != 1 {
		t.Errorf("answers that nobody asked for:\n%s", answers)
	}
}
