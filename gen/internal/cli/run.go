package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/submit"
)

var runCommand = command{"run", "compile, submit, follow and report", `usage: gen run RECIPE|BUNDLE [flags] [-- SBATCH_ARGUMENT...]

Compiles RECIPE, submits its job directory, follows its jobs (state, phase, trial, rate, what is left) and, when they are
over, prints the report. Where sbatch is on PATH it is submitted here; else by ssh on the host of --host or of the cluster
profile, to which the job directory is copied, by rsync or tar, and from which the results come back. A recipe with
orchestration.mode local runs here. Arguments behind -- go to sbatch.

Jobs do not need gen: ctrl-C asks whether to leave them, to stop them in good order or to cancel them; without a terminal
they are left. A lost connection is tried again. Given the job directory, or the recipe again, gen goes on with the jobs that
it submitted last, and when they are over it fetches the results and prints the report; --again submits anew what is missing.
results/submitted.tsv has the jobs.

ssh is OpenSSH's, with your configuration, keys and known hosts; it can't ask for a password. Host and port are those of the
flags, else of the profile; the user is --user, else MLUX_USER; the key is --key, else MLUX_KEY, else ~/.ssh/id_ed25519_mlux
where there is one; what is still open is ssh's own choice. MLUX_ACCOUNT pays for a job whose recipe names no account.

Exit status: that of the job (0 all trials are complete, 75 it stopped in good order and --again runs the rest, 143 it was
cancelled, else that of what failed first); of several jobs, of the first that failed. 130 jobs were left running; 1 the
recipe is bad or nothing could be submitted; 2 wrong usage, or a file that can't be read or written.

flags:
  --dry-run               print what would be done, a command a line, and do nothing
  --again                 submit, although this directory has jobs: what is missing runs
  --smoke                 submit.sh --smoke: the real servers, each with one short trial that counts for nothing
  --host HOST             submit over ssh, on this login node
  --port N, --user NAME   for ssh
  --key FILE              private key for ssh, and no other
  --dir DIR               directory on that host (default the profile's, else hpcbench/SLUG in the home directory)
  --every DURATION        time between two looks at the job (default 1s to 15s, by where and how it stands)
  -o OUT                  parent of the job directories (default out)
  --cluster NAME|FILE     compile for this cluster profile instead of the recipe's
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times
  --force                 write over edited files, too, also those in the directory on the host

example:
  $ gen run recipes/ollama.yaml --host login.example.org -- --qos=short
  $ gen run out/ollama
`, runRun}

// exitStatus ends gen with the exit status of a job. Everything has been said.
type exitStatus int

func (s exitStatus) Error() string { return "exit status " + strconv.Itoa(int(s)) }

// left is the exit status when jobs were left running.
const left exitStatus = 130

// run is one gen run: what the command line says, and what was found out since.
type run struct {
	env
	out, user, host, key, folder string // folder: --dir
	port                         int
	every                        time.Duration
	dry, again, smoke, force     bool
	around                       surroundings
	sbatch                       []string

	dir    string       // the bundle, on this machine
	facts  facts        // of its job scripts
	rows   []submit.Row // of results/submitted.tsv
	place  submit.Place
	at     string      // the bundle's directory in the place
	ssh    *submit.SSH // nil: the place is this machine
	screen *screen
	wish   *interrupts
}

func runRun(e env, args []string) error {
	r := &run{env: e, screen: newScreen(e.stderr)}
	operand, err := r.parse(args)
	if err != nil {
		return err
	}
	r.wish = listen()
	defer r.wish.close()
	defer r.screen.clear()
	src, err := r.prepare(operand)
	if err != nil {
		return err
	}
	if err := r.connect(src); err != nil {
		return err
	}
	defer r.disconnect()
	if r.dry {
		return r.rehearse()
	}
	return r.perform()
}

// parse reads the command line. What stands behind -- is sbatch's.
func (r *run) parse(args []string) (operand string, err error) {
	if k := slices.Index(args, "--"); k >= 0 {
		args, r.sbatch = args[:k], args[k+1:]
	}
	f := newFlags("run")
	f.StringVar(&r.out, "o", "out", "")
	f.StringVar(&r.host, "host", "", "")
	f.StringVar(&r.user, "user", "", "")
	f.StringVar(&r.key, "key", "", "")
	f.StringVar(&r.folder, "dir", "", "")
	f.IntVar(&r.port, "port", 0, "")
	f.DurationVar(&r.every, "every", 0, "")
	f.BoolVar(&r.dry, "dry-run", false, "")
	f.BoolVar(&r.again, "again", false, "")
	f.BoolVar(&r.smoke, "smoke", false, "")
	f.BoolVar(&r.force, "force", false, "")
	r.around.flags(f)
	operands, err := parse(f, args)
	if err != nil {
		return "", err
	}
	if len(operands) != 1 {
		return "", usagef("run wants one recipe or job directory")
	}
	return operands[0], nil
}

// prepare finds the job directory, or makes it, and what was submitted from it. The recipe is returned where it was read.
func (r *run) prepare(operand string) (*source, error) {
	info, err := os.Stat(operand)
	if err != nil || !info.IsDir() {
		return r.prepareRecipe(operand)
	}
	if err := bundle.Check(operand); err != nil {
		return nil, err
	}
	return nil, r.open(operand)
}

// open reads a job directory.
func (r *run) open(dir string) (err error) {
	if r.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if r.rows, err = submit.ReadTable(r.dir); err != nil {
		return err
	}
	r.facts, err = readFacts(r.dir)
	return err
}

// prepareRecipe compiles, unless there are jobs of an earlier compile to go on with: nothing is written under these.
func (r *run) prepareRecipe(name string) (*source, error) {
	src, err := r.readRecipe(name)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.out, src.Plan.Slug)
	rows, err := submit.ReadTable(dir)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(rows, submit.Row.Open) && !r.again {
		r.screen.say(fmt.Sprintf("%s was submitted before, and the end of that not seen: going on with it, nothing is compiled (--again does not)", dir))
		return src, r.open(dir)
	}
	r.again = true // a recipe that is given is to be run
	all, err := renderAll([]*source{src}, r.around)
	if err != nil {
		return nil, err
	}
	if r.dry {
		return src, r.pretend(dir, all[0])
	}
	if err := r.write(r.out, all[0], src, r.force, true); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprint(r.stdout, src.Plan.Text()); err != nil {
		return nil, err
	}
	return src, r.open(dir)
}

// readRecipe reads the recipe and prints what is wrong with it. MLUX_ACCOUNT stands in for an account that is missing.
func (r *run) readRecipe(name string) (*source, error) {
	src, err := r.read(name, r.around)
	if err != nil {
		return nil, err
	}
	if account := os.Getenv("MLUX_ACCOUNT"); account != "" && name != "-" && src.lacks("account") {
		r.around.sets = append(r.around.sets, "account="+account)
		if src, err = r.read(name, r.around); err != nil {
			return nil, err
		}
	}
	if err := r.tell(src.Diags, src); err != nil {
		return nil, err
	}
	if src.Diags.Failed() {
		return nil, errFailed
	}
	return src, nil
}

// lacks tells whether a field has to be there and is not.
func (src *source) lacks(field string) bool {
	return slices.ContainsFunc(src.Diags, func(d diag.Diagnostic) bool {
		return d.Code == "missing-field" && strings.Contains(d.Message, strconv.Quote(field))
	})
}
