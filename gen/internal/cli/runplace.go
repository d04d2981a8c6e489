package cli

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hpcbench/gen/internal/submit"
)

// facts are what submitting wants to know of job scripts.
type facts struct {
	local   bool // they need no Slurm
	account bool // they say who pays
}

var (
	localScript = regexp.MustCompile(`(?m)^readonly LOCAL=1\b`)
	payer       = regexp.MustCompile(`(?m)^#SBATCH (--account|-A)`)
)

// jobScripts is the pattern of their names in a bundle.
const jobScripts = "job*.sbatch"

// readFacts reads the job scripts of the bundle in dir, as they stand with a person's edits.
func readFacts(dir string) (facts, error) {
	names, err := filepath.Glob(filepath.Join(dir, jobScripts))
	if err != nil {
		return facts{}, err
	}
	scripts := map[string][]byte{}
	for _, name := range names {
		if scripts[name], err = os.ReadFile(name); err != nil {
			return facts{}, err
		}
	}
	return factsOf(scripts)
}

func factsOf(scripts map[string][]byte) (facts, error) {
	if len(scripts) == 0 {
		return facts{}, errors.New("the job directory has no job.sbatch: compile the recipe again")
	}
	f := facts{account: true}
	for _, text := range scripts {
		f.local = f.local || localScript.Match(text)
		f.account = f.account && payer.Match(text)
	}
	return f, nil
}

// goesOn tells whether there are jobs to go on with, and nothing is to be submitted.
func (r *run) goesOn() bool { return len(r.rows) > 0 && !r.again }

// connect chooses the place: that of the jobs to go on with, else what the flags say, else this machine if it has Slurm, or
// if the job needs none, else the host of the cluster profile.
func (r *run) connect(src *source) error {
	where, err := r.where(src)
	if err != nil {
		return err
	}
	if where.Host == "" {
		r.place, r.at = submit.Here{Whole: r.facts.local}, r.dir
		return nil
	}
	r.ssh, err = submit.Over(where, r.keys())
	r.place, r.at = r.ssh, where.Dir
	return err
}

func (r *run) where(src *source) (submit.Where, error) {
	var where submit.Where
	if r.goesOn() {
		where = r.rows[len(r.rows)-1].Where
	}
	where.Host = cmp.Or(r.host, where.Host)
	if where.Host == "" && !r.goesOn() && !r.facts.local && !onPath("sbatch") {
		if err := r.profileHost(&where, src); err != nil {
			return where, err
		}
	}
	if where.Host == "" {
		return where, nil
	}
	where.User = cmp.Or(r.user, where.User, os.Getenv("MLUX_USER"))
	where.Port = cmp.Or(r.port, where.Port)
	where.Dir = cmp.Or(strings.TrimPrefix(r.folder, "~/"), where.Dir, "hpcbench/"+filepath.Base(r.dir))
	return where, where.Check()
}

// profileHost is the login node that the cluster profile names.
func (r *run) profileHost(where *submit.Where, src *source) error {
	if src == nil {
		around, err := surroundingsOf(r.dir)
		if err != nil {
			return err
		}
		if src, err = r.read(filepath.Join(r.dir, "recipe.yaml"), around); err != nil {
			return err
		}
	}
	if src.Profile == nil || src.Profile.SSHHost == "" {
		return errors.New("sbatch is not on PATH, and the cluster profile names no login node: give one with --host")
	}
	where.Host, where.Port = src.Profile.SSHHost, src.Profile.SSHPort
	if src.Profile.SSHDir != "" {
		where.Dir = src.Profile.SSHDir + "/" + filepath.Base(r.dir)
	}
	return nil
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// keys is the private key for ssh. One that the environment names, or that only lies there, does not keep others from being
// tried: it may be for another host.
func (r *run) keys() submit.Keys {
	if r.key != "" {
		return submit.Keys{File: r.key, Only: true}
	}
	if file := os.Getenv("MLUX_KEY"); file != "" {
		return submit.Keys{File: file}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return submit.Keys{}
	}
	file := filepath.Join(home, ".ssh/id_ed25519_mlux")
	if _, err := os.Stat(file); err != nil {
		return submit.Keys{}
	}
	return submit.Keys{File: file}
}

// arguments are those of submit.sh.
func (r *run) arguments() []string {
	var words []string
	if r.smoke {
		words = append(words, "--smoke")
	}
	account := os.Getenv("MLUX_ACCOUNT")
	said := slices.ContainsFunc(r.sbatch, func(word string) bool {
		return strings.HasPrefix(word, "-A") || strings.HasPrefix(word, "--account")
	})
	if account != "" && !r.facts.account && !r.facts.local && !said {
		words = append(words, "-A", account)
	}
	return append(words, r.sbatch...)
}

func (r *run) disconnect() {
	if r.ssh == nil {
		return
	}
	if err := r.ssh.Close(); err != nil {
		r.screen.say("closing the connection: " + err.Error())
	}
}

// hostName is the machine for a person.
func (r *run) hostName() string {
	if r.ssh == nil {
		return "here"
	}
	return "on " + r.ssh.Host
}
