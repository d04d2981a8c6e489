// Package registry asks a container registry which content an image's name stands for now, by the OCI distribution specification
// (https://github.com/opencontainers/distribution-spec/blob/main/spec.md) and, where a registry wants a token first, by
// https://distribution.github.io/distribution/spec/auth/token/. A name may be moved to other content at any time; a digest may not.
package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Ask is what to ask, and how.
type Ask struct {
	Remote    string // docker://HOST/NAME:TAG as Apptainer takes it, or oras://
	PlainHTTP bool   // without TLS
	User      string // with Password; "": as anybody
	Password  string
	Client    *http.Client
}

// accepted are the types of manifest that an image's name may stand for: of one platform, or an index of several.
var accepted = []string{
	"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
}

var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Digest is the digest of the manifest that the name stands for, such as sha256:0123….
func Digest(ctx context.Context, a Ask) (string, error) {
	n, err := parse(a.Remote)
	if err != nil {
		return "", err
	}
	if digest.MatchString(n.reference) {
		return n.reference, nil
	}
	scheme := "https"
	if a.PlainHTTP {
		scheme = "http"
	}
	page := scheme + "://" + n.host + "/v2/" + n.repository + "/manifests/" + n.reference
	answer, err := a.head(ctx, page, "")
	if err != nil {
		return "", err
	}
	if answer.StatusCode == http.StatusUnauthorized {
		authorization, err := a.authorize(ctx, answer.Header.Get("WWW-Authenticate"))
		if err != nil {
			return "", err
		}
		if answer, err = a.head(ctx, page, authorization); err != nil {
			return "", err
		}
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: HTTP %d", page, answer.StatusCode)
	}
	found := answer.Header.Get("Docker-Content-Digest")
	if !digest.MatchString(found) {
		return "", fmt.Errorf("%s: it names no digest", page)
	}
	return found, nil
}

// name is an image's name taken apart.
type name struct{ host, repository, reference string }

// parse takes HOST/NAME:TAG or HOST/NAME@DIGEST apart, with Docker's defaults: the hub, its library, and latest.
func parse(remote string) (name, error) {
	scheme, rest, ok := strings.Cut(remote, "://")
	if !ok || scheme != "docker" && scheme != "oras" {
		return name{}, fmt.Errorf("%s: only docker:// and oras:// name a registry", remote)
	}
	n := name{host: "registry-1.docker.io", repository: rest, reference: "latest"}
	if host, path, ok := strings.Cut(rest, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		n.host, n.repository = host, path
		if host == "docker.io" || host == "index.docker.io" {
			n.host = "registry-1.docker.io"
		}
	}
	if path, tag, ok := strings.Cut(n.repository, "@"); ok {
		n.repository, n.reference = path, tag
	}
	if k := strings.LastIndex(n.repository, ":"); k > strings.LastIndex(n.repository, "/") {
		if n.reference == "latest" {
			n.reference = n.repository[k+1:]
		}
		n.repository = n.repository[:k]
	}
	if n.host == "registry-1.docker.io" && !strings.Contains(n.repository, "/") {
		n.repository = "library/" + n.repository
	}
	if n.repository == "" || n.reference == "" {
		return name{}, fmt.Errorf("%s: no name or no tag", remote)
	}
	return n, nil
}

func (a Ask) head(ctx context.Context, page, authorization string) (*http.Response, error) {
	return a.send(ctx, http.MethodHead, page, authorization)
}

func (a Ask) send(ctx context.Context, method, page, authorization string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, page, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", strings.Join(accepted, ", "))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := cmp.Or(a.Client, http.DefaultClient).Do(r)
	if err != nil {
		return nil, err
	}
	if method == http.MethodHead {
		return answer, answer.Body.Close()
	}
	return answer, nil
}

// authorize is what the registry's challenge asks for: a name and a password, or a token that another server gives.
func (a Ask) authorize(ctx context.Context, challenge string) (string, error) {
	kind, rest, _ := strings.Cut(challenge, " ")
	basic := ""
	if a.User != "" {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(a.User, a.Password)
		basic = r.Header.Get("Authorization")
	}
	if strings.EqualFold(kind, "basic") && basic != "" {
		return basic, nil
	}
	if !strings.EqualFold(kind, "bearer") {
		return "", errors.New("the registry wants a name and a password: set APPTAINER_DOCKER_USERNAME and APPTAINER_DOCKER_PASSWORD")
	}
	words := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(rest, -1) {
		words[m[1]] = m[2]
	}
	if !a.PlainHTTP && !strings.HasPrefix(words["realm"], "https://") {
		return "", fmt.Errorf("the registry gives tokens at %q, without TLS: no name or password goes there", words["realm"])
	}
	page := words["realm"] + "?" + url.Values{"service": {words["service"]}, "scope": {words["scope"]}}.Encode()
	answer, err := a.send(ctx, http.MethodGet, page, basic)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var token struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&token); err != nil || answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: HTTP %d, and no token", words["realm"], answer.StatusCode)
	}
	found := cmp.Or(token.Token, token.Access)
	if found == "" {
		return "", fmt.Errorf("%s: its answer has no token", words["realm"])
	}
	return "Bearer " + found, nil
}

var parameter = regexp.MustCompile(`(\w+)="([^"]*)"`)
