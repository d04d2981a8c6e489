package record

import (
	"fmt"
	"slices"
)

// The names on disk and in every other text (DESIGN §10), by value.
var (
	phaseNames   = []string{"warmup", "measure", "cooldown", "drain"}
	outcomeNames = []string{"ok", "http_status", "refused", "timeout", "disconnect", "truncated", "stream_error",
		"empty", "invalid", "cancelled", "not_sent"}
	sourceNames = []string{"", "usage", "events", "tokenizer", "usage_split"}
)

// Outcomes are all outcomes, in order.
func Outcomes() []Outcome {
	all := make([]Outcome, len(outcomeNames))
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// String is the phase's name on disk.
func (p Phase) String() string { return name(phaseNames, int(p)) }

// String is the outcome's name on disk.
func (o Outcome) String() string { return name(outcomeNames, int(o)) }

// String is the source's name on disk, empty for NoTokens.
func (s TokenSource) String() string { return name(sourceNames, int(s)) }

// MarshalText writes the name, so that JSON has it too, as a value and as a key.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalText writes the name, so that JSON has it too, as a value and as a key.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// MarshalText writes the name, so that JSON has it too, as a value and as a key.
func (s TokenSource) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (p *Phase) UnmarshalText(b []byte) error {
	i, err := value("phase", phaseNames, b)
	*p = Phase(i)
	return err
}

// UnmarshalText reads a name; an unknown one is an error.
func (o *Outcome) UnmarshalText(b []byte) error {
	i, err := value("outcome", outcomeNames, b)
	*o = Outcome(i)
	return err
}

// UnmarshalText reads a name; an unknown one is an error.
func (s *TokenSource) UnmarshalText(b []byte) error {
	i, err := value("token source", sourceNames, b)
	*s = TokenSource(i)
	return err
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

func value(kind string, names []string, b []byte) (int, error) {
	i := slices.Index(names, string(b))
	if i < 0 {
		return 0, fmt.Errorf("unknown %s %q", kind, b)
	}
	return i, nil
}
