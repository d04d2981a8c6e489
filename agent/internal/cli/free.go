package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
)

var free = command{
	name:     "free",
	operands: "IP:PORT...",
	short:    "tell whether addresses can be bound now",
	long:     "Exit status 0 when all can; 1 when some can't, each of which is named. Nothing is kept bound.",
	example:  "agent free 127.0.0.1:20100 127.0.0.1:20106",
	declare: func(*flags) action {
		return func(_ context.Context, c *call) error {
			if len(c.operands) == 0 {
				return usage("no address given")
			}
			var taken []error
			for _, operand := range c.operands {
				if _, _, err := net.SplitHostPort(operand); err != nil {
					return usage("%q: want IP:PORT", operand)
				}
				ln, err := net.Listen("tcp", operand)
				if err != nil {
					taken = append(taken, fmt.Errorf("%s can't be bound: %w", operand, errors.Unwrap(err)))
					continue
				}
				if err := ln.Close(); err != nil {
					taken = append(taken, err)
				}
			}
			return errors.Join(taken...)
		}
	},
}
