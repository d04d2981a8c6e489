package trial

import (
	"context"
	"time"

	"hpcbench/agent/internal/executor"
)

// looks is how often a clock is read; the quickest reading is the best.
const looks = 5

// clock is how an executor's clock stands to this one.
type clock struct {
	away   time.Duration // half a round trip: how long a request is under way
	offset time.Duration // its wall clock minus this one, give or take away
}

// clocks reads the clocks of all executors, as NTP does: the answer was made in the middle of the round trip, and the
// shortest round trip errs the least.
func (c Config) clocks(ctx context.Context) ([]clock, error) {
	all := make([]clock, len(c.Executors))
	err := c.each(func(k int, e executor.Client) error {
		for look := range looks {
			asked := time.Now()
			h, took, err := e.Health(ctx)
			if err != nil {
				return err
			}
			if away := took / 2; look == 0 || away < all[k].away {
				all[k] = clock{away, time.Unix(0, h.UnixNS).Sub(asked.Add(away))}
			}
		}
		return nil
	})
	return all, err
}
