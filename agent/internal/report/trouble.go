package report

import (
	"fmt"
	"strings"
)

// trouble is the trials that are doubtful or without a result for one reason.
type trouble struct {
	Who   string
	Class Class
	Why   string
}

// troubles are the reasons in the order of their first trials.
func (r *Report) troubles() []trouble {
	var all []trouble
	members := map[trouble][]*Trial{}
	for _, t := range r.trials {
		reason := trouble{Class: t.Class, Why: t.Why}
		if t.Why == "" || t.Class == Earlier {
			continue
		}
		if members[reason] == nil {
			all = append(all, reason)
		}
		members[reason] = append(members[reason], t)
	}
	for i, reason := range all {
		all[i].Who = who(members[reason])
	}
	return all
}

// who names some trials: one by its id and name, more by their ids, many by the first and their number.
func who(trials []*Trial) string {
	if len(trials) == 1 {
		return strings.TrimSpace(trials[0].ID + " " + shorten(trials[0].Name, 24))
	}
	var ids []string
	for _, t := range trials {
		ids = append(ids, t.ID)
	}
	const named = 4
	if len(ids) > named {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:named-1], ", "), len(ids)-named+1)
	}
	return strings.Join(ids, ", ")
}
