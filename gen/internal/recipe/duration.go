package recipe

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxSeconds bounds every duration, at some three years, so that sums of them stay exact.
const maxSeconds = 1e8

// units of a duration in seconds.
var units = map[string]float64{"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

var (
	durationPart = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)`)
	durationText = regexp.MustCompile(`^(` + durationPart.String() + `)+$`)
	clock        = regexp.MustCompile(`^(?:([0-9]{1,3})-)?([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])$`)
)

// seconds reads a duration: a number of seconds, or text such as 90s, 15m or 1h30m.
func seconds(v any) (float64, error) {
	if n, ok := number(v); ok {
		return bounded(n)
	}
	text, ok := v.(string)
	if !ok || !durationText.MatchString(text) {
		return 0, fmt.Errorf("is not a duration")
	}
	sum := 0.0
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, fmt.Errorf("reading %q: %w", part[0], err)
		}
		sum += n * units[part[2]]
	}
	return bounded(sum)
}

// timeLimit reads a job's time limit in seconds: HH:MM:SS, D-HH:MM:SS, or a duration. Slurm's shorter forms are refused,
// since 10:00 means minutes there and hours to most people.
func timeLimit(v any) (float64, error) {
	text, _ := v.(string)
	if !strings.Contains(text, ":") {
		s, err := seconds(v)
		if err == nil && s < 1 {
			return 0, fmt.Errorf("is less than a second")
		}
		return s, err
	}
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("is not a time limit")
	}
	sum := 0.0
	for i, unit := range []float64{86400, 3600, 60, 1} {
		n, _ := strconv.Atoi(m[i+1]) // digits by the pattern; no days are 0
		sum += float64(n) * unit
	}
	if sum == 0 {
		return 0, fmt.Errorf("is no time")
	}
	return bounded(sum)
}

func bounded(s float64) (float64, error) {
	if s < 0 || s > maxSeconds || math.IsNaN(s) {
		return 0, fmt.Errorf("is not between 0 and %.0f days", maxSeconds/86400)
	}
	return s, nil
}

// percent is a share as people write it.
var percent = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)%$`)

// share reads a share: a number, whose bounds the schema has, or text such as 5%.
func share(v any) (float64, error) {
	if n, ok := number(v); ok {
		return n, nil
	}
	text, _ := v.(string)
	m := percent.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("is not a share")
	}
	n, err := strconv.ParseFloat(m[1], 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("is not a share")
	case n > 100:
		return 0, fmt.Errorf("is more than all")
	}
	return n / 100, nil
}

// number is v as a float64, if it is a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
