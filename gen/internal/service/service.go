// Package service reads service folders: templates/services/<name>/service.yaml and the templates beside it.
//
// Nothing about a service stands anywhere else. What a deployment of it is started with comes out of the folder's
// templates, which see one Start: argv.tmpl (and, where the service has that launcher, ray-head.tmpl and
// ray-worker.tmpl) gives one argument a line, env.tmpl one NAME=value a line, files.tmpl one path a line, prefetch.tmpl the
// words of a command that brings the model, and prepare.tmpl those of one that is run beside each server once it is healthy.
// Scripts of the folder (*.sh) are in the bundle's service/, which those words call @SERVICE@.
package service

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"hpcbench/gen/internal/strict"
)

// Service is one folder.
type Service struct {
	Name            string         `yaml:"name"`             // that of its folder, and of workload.service
	Title           string         `yaml:"title"`            // as people write it
	Description     string         `yaml:"description"`      // a phrase, for lists
	Image           string         `yaml:"image"`            // where prefetch pulls from when the recipe is silent, such as docker://ollama/ollama:0.24.0
	NeedsImage      bool           `yaml:"needs_image"`      // false: the argv runs on the node itself when the recipe names no image
	Port            int            `yaml:"port"`             // the service's customary port, for documentation; jobs use their own block
	Model           string         `yaml:"model"`            // of a recipe that is silent; "" where a recipe must name one
	Dialects        []string       `yaml:"dialects"`         // the first is the default
	SingleNode      bool           `yaml:"single_node"`      // several server nodes are independent endpoints, never one server
	Launchers       []string       `yaml:"launchers"`        // of single, spmd, ray, mp, tasks (one a GPU): what it can be started by; the first is the default. none: nobody starts it
	Launcher        string         `yaml:"launcher"`         // template that says which of them; "" for the default
	MPI             string         `yaml:"mpi"`              // srun's --mpi of launcher tasks, such as pmix; a site's own spelling of it wins (pmix_v4)
	Health          Health         `yaml:"health"`           // the second stage of readiness, after every rank was placed and before a real generation
	Parallel        []string       `yaml:"parallel"`         // settings whose product is the GPUs one server uses, each 1 when silent; none, or none given by launcher tasks: all of its nodes
	ConcurrencyEnv  string         `yaml:"concurrency_env"`  // variable told the most requests in flight per endpoint over the deployment's trials
	ParallelSetting string         `yaml:"parallel_setting"` // setting of service_config that caps the requests which one endpoint serves at once
	ContextLimit    string         `yaml:"context_limit"`    // setting of service_config that caps the tokens of a prompt and its answer
	Models          []string       `yaml:"models"`           // some that it is known to run, for a hint at a misspelt one
	ModelTag        string         `yaml:"model_tag"`        // what stands before a model's version; a model without one, or with latest, is not pinned. "": models have none
	StartupS        float64        `yaml:"startup_s"`        // usual seconds from its first step to a generated token, for planning
	Argv            string         `yaml:"argv"`             // text of argv.tmpl, in a folder without that file
	Env             string         `yaml:"env"`              // text of env.tmpl, likewise
	Needs           string         `yaml:"files"`            // text of files.tmpl, likewise: paths inside the container that must be there before it starts
	Config          map[string]any `yaml:"config"`           // JSON Schema of service_config
	Flags           bool           `yaml:"flags"`            // a setting that Config does not know is an option of the server, and no error
	Causes          []Cause        `yaml:"causes"`           // known failures; of all that the logs show the earliest is told, of one line the first of these
	Proof           []Proof        `yaml:"proof"`            // lines of the log worth keeping in job.json
	Metrics         Metrics        `yaml:"metrics"`          // where it tells of itself, in Prometheus' text format
	Reset           Reset          `yaml:"reset"`            // a request that makes an endpoint forget what it cached, asked before each trial
	Pages           []Page         `yaml:"pages"`            // looked at once each server has generated, before anything is measured
	Limits          []string       `yaml:"limits"`           // in words, for documentation
	Ask             []Question     `yaml:"ask"`              // of gen create, in this order
	Files           fs.FS          `yaml:"-"`                // the folder
	Trace           bool           `yaml:"-"`                // words carry tags of package trace that say where in the templates they stand
}

// Health is the second stage of readiness.
type Health struct {
	Path     string  `yaml:"path"`      // answers 200 once the server can work
	TimeoutS float64 `yaml:"timeout_s"` // seconds until then, at most; a recipe's health_check.timeout wins
}

// Cause names a known failure by a pattern in the server's log (POSIX extended regular expression). In its words \1 to \9
// are what the pattern's groups took from the line; detail and cure are left out where one of theirs took nothing.
type Cause struct {
	Pattern string `yaml:"pattern"` // POSIX extended regular expression on a line
	Cause   string `yaml:"cause"`   // what it means, in the words of the person who waits
	Detail  string `yaml:"detail"`  // the line's numbers in a sentence, such as KV needs \1 GiB, \2 free
	Cure    string `yaml:"cure"`    // what helps, as an imperative
	Follows bool   `yaml:"follows"` // it mostly follows from another rank's end, and is the cause where no log shows a better one
}

// Proof is a line of the server's log worth keeping in job.json.
type Proof struct {
	Name    string `yaml:"name"`    // the key in job.json
	Pattern string `yaml:"pattern"` // POSIX extended regular expression; what it matches is kept
}

// Metrics is where the server tells of itself in Prometheus's text format, and its names mapped to ours.
type Metrics struct {
	Path       string            `yaml:"path"`        // "": nowhere
	PortOffset int               `yaml:"port_offset"` // its port is the endpoint's plus this
	Map        map[string]string `yaml:"map"`         // x, x{label="value"} or x + y to our names, with commas between several (workload.Sources)
	Extra      []Metric          `yaml:"extra"`       // further ones, as a recipe's monitoring.metrics
}

// Metric is one beyond those that have a name of ours: of the server's page, or of a command on each node.
type Metric struct {
	Name    string   `yaml:"name"`    // ours, in CSV, report and /metrics/prometheus
	From    string   `yaml:"from"`    // server, or silent
	Metric  string   `yaml:"metric"`  // of the server's page, such as x{label="value"}
	Command []string `yaml:"command"` // run on each node; its output is the number
	Unit    string   `yaml:"unit"`    // of the number, such as W
	Help    string   `yaml:"help"`    // what it is, in a sentence
}

// Reset is what each endpoint is asked before each trial, so that no trial profits from the one before. Only where the server
// has a way that is safe on a network that others share.
type Reset struct {
	Method string `yaml:"method"` // "": POST
	Path   string `yaml:"path"`   // "": there is none
}

// Page is a look at a server that generates: a GET, whose answer is JSON.
type Page struct {
	Path  string   `yaml:"path"`  // asked by GET; the answer is JSON
	Items string   `yaml:"items"` // key of the list in the answer whose items are looked at; "": the answer is the only one
	Wrong string   `yaml:"wrong"` // "KEY < KEY": two numbers of an item, the first smaller than the second, end the deployment; "": nothing does
	When  string   `yaml:"when"`  // template: Wrong counts where it makes true; "": always
	Cause string   `yaml:"cause"` // what Wrong means
	Cure  string   `yaml:"cure"`  // what helps
	Proof []string `yaml:"proof"` // keys of an item that are worth keeping in job.json
}

// Load reads the folder name of fsys. A name that is not there is an error that lists those that are.
func Load(fsys fs.FS, name string) (*Service, error) {
	if !fs.ValidPath(name) || strings.Contains(name, "/") {
		return nil, unknown(fsys, name)
	}
	file := path.Join(name, "service.yaml")
	src, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unknown(fsys, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading service %q: %w", name, err)
	}
	s := &Service{}
	shown := path.Join(whereabouts(fsys, name), "service.yaml")
	if err := strict.Decode(shown, src, s); err != nil {
		return nil, err
	}
	if s.Files, err = fs.Sub(fsys, name); err != nil {
		return nil, fmt.Errorf("reading service %q: %w", name, err)
	}
	if err := s.check(name); err != nil {
		return nil, placed(shown, src, err)
	}
	return s, nil
}

// List names the services of fsys, sorted.
func List(fsys fs.FS) ([]string, error) {
	files, err := fs.Glob(fsys, "*/service.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	for i := range files {
		files[i] = path.Dir(files[i])
	}
	slices.Sort(files)
	return files, nil
}

func unknown(fsys fs.FS, name string) error {
	known, err := List(fsys)
	if err != nil {
		return err
	}
	return fmt.Errorf("no service %q (there are %s)", name, strings.Join(known, ", "))
}

var launchers = []string{"single", "spmd", "ray", "mp", "tasks", "none"}

// External tells whether nobody starts the service: the recipe says where it runs.
func (s *Service) External() bool { return slices.Equal(s.Launchers, []string{"none"}) }

// check finds what no job could be made from.
func (s *Service) check(name string) error {
	if s.Name != name {
		return fmt.Errorf("name is %q, and must be that of its folder, %q", s.Name, name)
	}
	if !strings.HasPrefix(s.Health.Path, "/") && !s.External() {
		return fmt.Errorf("health.path is %q, and must begin with /", s.Health.Path)
	}
	if len(s.Launchers) == 0 {
		s.Launchers = launchers[:1]
	}
	for _, l := range s.Launchers {
		if !slices.Contains(launchers, l) {
			return fmt.Errorf("launchers has %q, and knows %q only", l, launchers)
		}
	}
	return errors.Join(s.checkDialects(), s.checkConfig(), s.checkLauncher(), s.checkPages(), s.checkPatterns(), s.checkTemplates(), s.checkQuestions(), s.checkMetrics())
}

// plainWord is what may stand in an option of srun.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// checkLauncher refuses what no job could start the server by, or find its metrics at.
func (s *Service) checkLauncher() error {
	if s.MPI != "" && !slices.Contains(s.Launchers, "tasks") {
		return fmt.Errorf("mpi is %q, and only the launcher tasks has one", s.MPI)
	}
	if s.MPI != "" && !plainWord.MatchString(s.MPI) {
		return fmt.Errorf("mpi is %q, and must be one of srun --mpi=list", s.MPI)
	}
	if s.Metrics.PortOffset < 0 || s.Metrics.PortOffset > 5 {
		return fmt.Errorf("metrics.port_offset is %d: of a server's ten ports it has 0 to 5", s.Metrics.PortOffset)
	}
	return nil
}

// checkPatterns refuses what grep -E would choke on, and what would break a line of node/causes.tsv.
func (s *Service) checkPatterns() error {
	for k, c := range s.Causes {
		if err := c.check(); err != nil {
			return fmt.Errorf("causes[%d]: %w", k, err)
		}
	}
	for k, p := range s.Proof {
		if p.Name == "" || p.Pattern == "" || strings.ContainsAny(p.Name+p.Pattern, "\t\n\r") {
			return fmt.Errorf("proof[%d]: %q needs a name and a pattern, without tabs and newlines", k, p)
		}
		if _, err := regexp.CompilePOSIX(p.Pattern); err != nil {
			return fmt.Errorf("proof[%d]: %w", k, err)
		}
	}
	return nil
}
