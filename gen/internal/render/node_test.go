package render

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/plan"
	"hpcbench/templates"
)

// What stands in argv/ and env/ arrives at the server as it was in the recipe, by the functions of the node scripts, and
// nothing of it runs. Only the bundle's own words are replaced.
func TestServerGetsWhatTheRecipeSays(t *testing.T) {
	var texts, env, want []string
	for _, text := range hostile {
		if strings.ContainsAny(text, "\n\r") || text == "@IP@" {
			continue // a compile error; replaced on purpose
		}
		texts = append(texts, text)
		env = append(env, "A="+text)
	}
	texts = append(texts, "@IP@:@PORT@ @HEAD_IP@ @RANK@/@NODES@ @BLOCK+17@ @RUN@ @OTHER@ &@IP@")
	want = append(slices.Clone(texts[:len(texts)-1]), "10.0.0.2:20100 10.0.0.1 1/2 20117 /run/7 @OTHER@ &10.0.0.2")

	dir := t.TempDir()
	b := &bundle.Bundle{Slug: "x"}
	p := &plan.Plan{Deployments: []*plan.Deployment{{ID: "d1", Argv: map[string][]string{"0": texts}}}}
	for i := range env {
		p.Deployments = append(p.Deployments, &plan.Deployment{ID: "e" + string(rune('A'+i)), Env: env[i : i+1]})
	}
	if err := servers(b, p); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lib/node.sh", "lib/container.sh"} {
		text, err := templates.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(name, 0o644, text)
	}
	if _, err := bundle.Write(dir, b, false); err != nil {
		t.Fatal(err)
	}

	quoted, err := quote(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail; cd " + quoted + `; RUN=/run/7 IMAGE=x.sif; SECRETS=() BINDS=()
. ./lib/node.sh; . ./lib/container.sh
IP=10.0.0.2 PORT=20100 HEAD_IP=10.0.0.1 RANK=1 COUNT=2 BLOCK=20100 HOSTS=a
read_argv argv/d1.0
printf '%s\0' "${ARGV[@]}"
for file in env/e*.env; do
  (read_env "$file"; env -0 | grep -za '^APPTAINERENV_A=')
done`
	got := strings.Split(strings.TrimSuffix(bash(t, script), "\x00"), "\x00")
	for _, text := range texts[:len(texts)-1] {
		want = append(want, "APPTAINERENV_A="+text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	left, err := os.ReadDir(filepath.Join(dir, "x"))
	if err != nil || len(left) != 4 { // MANIFEST, argv, env, lib
		t.Errorf("the bundle has %v, %v", left, err)
	}
}

// A file that a person edited last ends as it likes, and a variable may have the name of one of the scripts' own: it is the
// server's and changes nothing here.
func TestEditedFilesAndNamesOfTheScripts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"argv": "serve\n--last",
		"env":  "RUN=mine\nPORT='8000'\nPATH=/nowhere\nIFS=x\nno_proxy=site\nKEY='YWI='\nAT='@IP@ @PORT@'\nLAST=1",
		"bad":  "A='1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, templates.FS); err != nil {
		t.Fatal(err)
	}
	quoted, err := quote(dir)
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail; cd " + quoted + `; RUN=/run/7 IMAGE=x.sif; SECRETS=() BINDS=()
. ./lib/node.sh; . ./lib/container.sh
IP=10.0.0.2 PORT=20100 HEAD_IP=10.0.0.1 RANK=1 COUNT=2 BLOCK=20100 HOSTS=a,b
read_argv argv
(IMAGE=; read_env ./env; echo "uncontained $PORT $KEY $AT")
read_env ./env
for name in RUN PORT PATH IFS no_proxy KEY AT LAST; do name=APPTAINERENV_$name; echo "${!name}"; done
echo "$RUN $PORT ${ARGV[*]}"
(read_env ./bad) 2>&1 | tail -n 1 || :`
	want := "uncontained 8000 YWI= 10.0.0.2 20100\nmine\n8000\n/nowhere\nx\nsite,a,b\nYWI=\n10.0.0.2 20100\n1\n/run/7 20100 serve --last\n" +
		"./bad can't be read: a line is NAME='value'\n"
	if got := bash(t, script); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
