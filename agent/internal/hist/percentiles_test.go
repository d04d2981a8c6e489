package hist

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
)

// By the rule of HdrHistogram's Java class (PercentileIterator), of the values 1 to 10 ms with five ticks and a scale of 1e6.
const tenValues = `       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       1.000 0.100000000000          1           1.11
       2.000 0.200000000000          2           1.25
       3.000 0.300000000000          3           1.43
       4.000 0.400000000000          4           1.67
       5.000 0.500000000000          5           2.00
       6.000 0.550000000000          6           2.22
       6.000 0.600000000000          6           2.50
       7.000 0.650000000000          7           2.86
       7.000 0.700000000000          7           3.33
       8.000 0.750000000000          8           4.00
       8.000 0.775000000000          8           4.44
       8.000 0.800000000000          8           5.00
       9.000 0.825000000000          9           5.71
       9.000 0.850000000000          9           6.67
       9.000 0.875000000000          9           8.00
       9.000 0.887500000000          9           8.89
       9.000 0.900000000000          9          10.00
      10.000 0.912500000000         10          11.43
      10.000 1.000000000000         10
#[Mean    =        5.500, StdDeviation   =        2.872]
`

func TestPercentilesAreWrittenAsHdrHistogramDoes(t *testing.T) {
	h := new(H)
	for i := range 10 {
		h.Record(int64(i+1) * 1e6)
	}
	var text strings.Builder
	if err := h.Percentiles(&text, 1e6); err != nil {
		t.Fatal(err)
	}
	got, _, _ := strings.Cut(text.String(), "#[Max")
	plain := func(s string) string { // values to two digits: ours are bucket ends
		var b strings.Builder
		for line := range strings.Lines(s) {
			fields := strings.Fields(line)
			if v, err := strconv.ParseFloat(fieldOf(fields), 64); err == nil {
				fields[0] = strconv.FormatFloat(v, 'f', 1, 64)
			}
			b.WriteString(strings.Join(fields, " ") + "\n")
		}
		return b.String()
	}
	if plain(got) != plain(tenValues) {
		t.Errorf("got\n%s\nwant\n%s", got, tenValues)
	}
	if !strings.HasSuffix(text.String(), "SubBuckets     =         2048]\n") || !strings.Contains(text.String(), "#[Max     =       10.000, Total count    =           10]") {
		t.Errorf("the end:\n%s", text.String())
	}
}

func fieldOf(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

func TestPercentilesRiseToTheLast(t *testing.T) {
	h := of(samples(3, 20000))
	var text strings.Builder
	if err := h.Percentiles(&text, 1e6); err != nil {
		t.Fatal(err)
	}
	level, count := -1.0, int64(0)
	for line := range strings.Lines(text.String()) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(line, "#") || fields[0] == "Value" {
			continue
		}
		p, _ := strconv.ParseFloat(fields[1], 64)
		n, _ := strconv.ParseInt(fields[2], 10, 64)
		value, _ := strconv.ParseFloat(fields[0], 64)
		if p <= level || n < count || float64(n) < p*20000-1e-6 || math.Abs(value-float64(h.AtRank(n))/1e6) > 1e-3*value+1e-3 {
			t.Fatalf("after %v and %d: %s", level, count, line)
		}
		level, count = p, n
	}
	if level != 1 || count != 20000 {
		t.Errorf("ends at %v with %d", level, count)
	}
}

func TestNothingHasPercentilesToo(t *testing.T) {
	var text strings.Builder
	if err := new(H).Percentiles(&text, 1); err != nil || strings.Contains(text.String(), "NaN") {
		t.Errorf("%s, %v", text.String(), err)
	}
	if err := new(H).Percentiles(fullDisk{}, 1); err == nil {
		t.Error("a disk that is full is no error")
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }
