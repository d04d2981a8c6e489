package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// newer are the constructs that bash 4.4 does not know, or reads otherwise, by the versions that brought them (bash's NEWS). A
// cluster may have 4.4: RHEL 8 and its kin do. Each has examples, which it must find.
var newer = []struct {
	since, what string
	pattern     *regexp.Regexp
	examples    []string
}{
	{"5.0", "EPOCHSECONDS, EPOCHREALTIME, BASH_ARGV0", word(`EPOCHSECONDS|EPOCHREALTIME|BASH_ARGV0`), []string{`now=$EPOCHSECONDS`, `t=${EPOCHREALTIME/./}`, `BASH_ARGV0=me`}},
	{"5.0", "wait -f", option("wait", "f"), []string{`wait -f "$pid"`, `wait -nf`}},
	{"5.0", "shopt options", regexp.MustCompile(`\bshopt\b.*\b(assoc_expand_once|localvar_inherit|localvar_unset|progcomp_alias)\b`), []string{`shopt -s assoc_expand_once`}},
	{"5.0", "history -d with a range or from the end", regexp.MustCompile(`\bhistory\s+-d\s+(-|\d+-)`), []string{`history -d 3-5`, `history -d -1`}},
	{"5.0", "kill -sNAME, kill -nNUMBER in one word", regexp.MustCompile(`\bkill\s+-(s[A-Z]|n\d)`), []string{`kill -sTERM "$pid"`, `kill -n9 "$pid"`}},
	{"5.1", "SRANDOM, READLINE_MARK", word(`SRANDOM|READLINE_MARK`), []string{`echo "$SRANDOM"`}},
	{"5.1", "wait -p", option("wait", "p"), []string{`wait -n -p done`, `wait -p who "$a" "$b"`, `wait -np who`}},
	{"5.1", "wait -n with jobs to choose from", regexp.MustCompile(`\bwait\s+-n\s+["'$%\d]`), []string{`wait -n "$a" "$b"`, `wait -n $a`, `wait -n %1`}},
	{"5.1", "declare -I, local -I", option("declare|local|typeset", "I"), []string{`local -I status`, `declare -aI x`}},
	{"5.1", "local -p without names", regexp.MustCompile(`\blocal\s+-p\s*$`), []string{`local -p`}},
	{"5.1", "${x@U}, ${x@u}, ${x@L}, ${x@K}; 5.2: ${x@k}", regexp.MustCompile(`\$\{[^}]*@[UuLKk]\}`), []string{`echo "${x@U}"`, `"${name@u}"`, `"${a[@]@K}"`, `"${map[@]@k}"`, `${x@L}`}},
	{"5.1", "an associative array from keys and values in turn", regexp.MustCompile(`\b(declare|local|readonly|typeset)\s+-[a-zA-Z]*A[a-zA-Z]*\s+\w+=\(\s*[^\s)\[]`), []string{`declare -A port=(http 80)`, `local -A up=("$k" 1)`}},
	{"5.1", "ulimit -R", option("ulimit", "R"), []string{`ulimit -R 5`}},
	{"5.1", "test -v with a position", regexp.MustCompile(`(\[\[?|\btest)\s+(!\s+)?-v\s+\d`), []string{`[[ -v 1 ]]`, `test -v 2`}},
	{"5.2", "READLINE_ARGUMENT, BASH_LOADABLES_PATH by default", word(`READLINE_ARGUMENT`), []string{`echo $READLINE_ARGUMENT`}},
	{"5.2", "printf %Q", regexp.MustCompile(`\bprintf\s+[^#]*%[-.\d]*Q`), []string{`printf '%Q\n' "$x"`}},
	{"5.2", "shopt options", regexp.MustCompile(`\bshopt\b.*\b(varredir_close|patsub_replacement|globskipdots|noexpand_translation)\b`), []string{`shopt -u patsub_replacement`}},
	{"5.2", "an unquoted expansion as the replacement: its & stands for what matched, and in 4.4 for itself", regexp.MustCompile(`\$\{\w+(\[[^]]*\])?//?[#%]?("[^"]*"|[^"/}])*/\$[\w{]`), []string{`${text//@IP@/$IP}`, `"${x/a/${b}}"`, `${ids[*]/#/$PWD/}`, `${x//"$a"/$b}`}},
	{"5.2", "unset 'a[@]' of one key", regexp.MustCompile(`\bunset\s+(-v\s+)?["']?\w+\[[@*]\]`), []string{`unset 'a[@]'`}},
	{"5.3", "GLOBSORT, BASH_MONOSECONDS, BASH_TRAPSIG", word(`GLOBSORT|BASH_MONOSECONDS|BASH_TRAPSIG`), []string{`GLOBSORT=-mtime`, `$BASH_TRAPSIG`, `${BASH_MONOSECONDS}`}},
	{"5.3", "${ command; } and ${| command; }", regexp.MustCompile(`\$\{[\s|]`), []string{`x=${ date; }`, `x=${| REPLY=1; }`}},
	{"5.3", "trap -P", option("trap", "P"), []string{`trap -P EXIT`}},
	{"5.3", "compgen -V", option("compgen", "V"), []string{`compgen -V names -c`}},
	{"5.3", "read -E", option("read", "E"), []string{`read -E line`, `read -rE line`}},
	{"5.3", "source -p", regexp.MustCompile(`(^|[;&|\s])(source|\.)\s+-p\b`), []string{`source -p "$dir" file`, `. -p x y`}},
	{"5.3", "printf %ls, %lc", regexp.MustCompile(`\bprintf\s+[^#]*%[-.\d]*l[sc]`), []string{`printf '%ls' "$x"`}},
	{"5.3", "shopt options", regexp.MustCompile(`\bshopt\b.*\b(array_expand_once|bash_source_fullpath)\b`), []string{`shopt -s array_expand_once`}},
	{"5.3", "fltexpr", word(`fltexpr`), []string{`fltexpr 'x = 1 / 3'`}},
}

func word(names string) *regexp.Regexp { return regexp.MustCompile(`\b(` + names + `)\b`) }

// option is a builtin with one of its one-letter options, alone or among others.
func option(builtin, letter string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[;&|({\s])(` + builtin + `)(\s+-[a-zA-Z]+)*\s+-[a-zA-Z]*` + letter)
}

// comment is a comment of bash, to the end of its line: what it says is no construct.
var comment = regexp.MustCompile(`(^|\s)#.*$`)

// newerIn are the constructs on a line that bash 4.4 does not know.
func newerIn(line string) []string {
	line = comment.ReplaceAllString(line, "")
	var found []string
	for _, c := range newer {
		if c.pattern.MatchString(line) {
			found = append(found, c.what+" (bash "+c.since+")")
		}
	}
	return found
}

// Whatever is generated, and each part it is made of, runs in bash 4.4.
func TestNothingNewerThanBash44(t *testing.T) {
	scripts := 0
	for _, top := range []string{"../../testdata/compile", "../../../templates", "../submit"} {
		err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.ContainsFunc([]string{".sh", ".sbatch", ".sh.tmpl", ".sbatch.tmpl", "/status", "/status.tmpl"}, func(end string) bool { return strings.HasSuffix(name, end) }) {
				return err
			}
			scripts++
			text, err := os.ReadFile(name)
			for k, line := range strings.Split(string(text), "\n") {
				for _, what := range newerIn(line) {
					t.Errorf("%s:%d: %s: %s", name, k+1, what, line)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if scripts < 100 {
		t.Errorf("only %d scripts were found", scripts)
	}
}

func TestEachNewerConstructIsFound(t *testing.T) {
	for _, c := range newer {
		for _, example := range c.examples {
			if !slices.Contains(newerIn(example), c.what+" (bash "+c.since+")") {
				t.Errorf("%q is not found in %q", c.what, example)
			}
		}
	}
}

// What bash 4.4 can do is let pass.
func TestOldConstructsAreNone(t *testing.T) {
	for _, line := range []string{
		`printf '%(%H:%M:%S)T %s\n' -1 "$*"`, `wait -n`, `wait "$pid"`, `printf '%q' "${x@Q}"`, `"${x@A}" "${x@P}"`, `declare -A PID=()`, `local -A up=([a]=1)`,
		`text=${text//@IP@/"$IP"}`, `${word//[$'\t\n\r']/ }`, `mapfile -d '' -t pairs`, `exec {TAKEN}>"$file"`, `# EPOCHSECONDS is of 5.0`, `local -r x`, `read -ra step`,
		`text=${text//"${BASH_REMATCH[0]}"/$((BLOCK + 1))}`, `kill -TERM "$1"`, `kill -n 9 1`, `[[ -v name ]]`, `"${!SBATCH_@}"`, `trap -p`, `local -`, `${PID[$1]-}`, `${ids[*]/#/"$PWD/$results/"}`,
	} {
		if found := newerIn(line); found != nil {
			t.Errorf("%s: %q", line, found)
		}
	}
}
