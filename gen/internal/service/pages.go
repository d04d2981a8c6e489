package service

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"hpcbench/agent/workload"
)

// comparison is the form of a page's Wrong.
var comparison = regexp.MustCompile(`^([\w.-]+) < ([\w.-]+)$`)

// PagesOf are the pages to look at on a deployment's servers. Where a page's When says no, it is looked at for its proof alone.
func (s *Service) PagesOf(start Start) ([]workload.Page, error) {
	var all []workload.Page
	for _, p := range s.Pages {
		page := workload.Page{Path: p.Path, Items: p.Items, Proof: p.Proof}
		counts, err := s.lines("pages", p.When, start, false)
		if err != nil {
			return nil, err
		}
		if m := comparison.FindStringSubmatch(p.Wrong); m != nil && (p.When == "" || strings.Join(counts, "") == "true") {
			page.Less, page.Than, page.Cause, page.Cure = m[1], m[2], p.Cause, p.Cure
		}
		all = append(all, page)
	}
	return all, nil
}

// Scripts are the names of the folder's own scripts, sorted.
func (s *Service) Scripts() ([]string, error) {
	entries, err := fs.ReadDir(s.Files, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sh") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkPages finds the pages that could not be looked at.
func (s *Service) checkPages() error {
	for _, p := range s.Pages {
		if !strings.HasPrefix(p.Path, "/") {
			return fmt.Errorf("pages: path is %q, and must begin with /", p.Path)
		}
		if p.Wrong != "" && (!comparison.MatchString(p.Wrong) || p.Cause == "") {
			return fmt.Errorf("pages: %s: wrong is %q, and must be KEY < KEY, with a cause", p.Path, p.Wrong)
		}
		if p.Wrong == "" && len(p.Proof) == 0 {
			return fmt.Errorf("pages: %s has neither wrong nor proof: why look at it?", p.Path)
		}
		if _, err := s.lines("pages", p.When, sample(s.Launchers[0]), false); err != nil && !isComplaint(err) {
			return fmt.Errorf("pages: %s: when: %w", p.Path, err)
		}
	}
	return nil
}
