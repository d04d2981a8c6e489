package readings

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t *testing.T, dir, node, text string) string {
	t.Helper()
	if err := os.WriteFile(Path(dir, node), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Path(dir, node)
}

func TestRows(t *testing.T) {
	path := file(t, t.TempDir(), "cn01", "time_s,a_ratio,words\n1.000,0.5,x;y\n2.000,,\nno row\n3.000,1\nNaN,1,1\n4.000,Inf,z\r\n5.000,0.2")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if v := row.Number(0); (row.At == 1) == math.IsNaN(v) || !math.IsNaN(row.Number(-1)) || !math.IsNaN(row.Number(1)) {
			t.Errorf("at %g: %g", row.At, v)
		}
		got = append(got, row.Cell(1))
	}
	if strings.Join(got, "|") != "x;y||z" {
		t.Errorf("rows %q; want those that are whole", got)
	}
	if columns, row, known := Last(path); row.At != 4 || !known || row.Cell(1) != "z" || columns[1] != "words" {
		t.Errorf("the last is %+v, %v", row, known)
	}
}

func TestFromLeavesEarlierRowsOut(t *testing.T) {
	f, err := Open(file(t, t.TempDir(), "cn01", "time_s,a\n1,1\n2,2\n3,3\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, want := range []float64{2, 3} {
		if row, err := f.From(1.5); err != nil || row.At != want || row.Number(0) != want {
			t.Errorf("%+v, %v; want %g", row, err, want)
		}
	}
}

func TestWhatIsNoMonitorsFile(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "unexpected EOF",
		"time_s":                        "unexpected EOF", // it is still being written
		"a,b\n":                         `no column time_s in front, but "a"`,
		strings.Repeat("x", 2*mostLine): "too long",
	} {
		path := file(t, t.TempDir(), "cn01", text)
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
		if _, row, known := Last(path); known {
			t.Errorf("%.20q: a last row at %g", text, row.At)
		}
	}
}

// All nodes' rows are in one file in the order of time, by the first node's clock, each column once.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "cn02", "time_s,cpu_busy_ratio,gpu0_throttle_reasons\n105.000,0.1,none\n107.000,0.2,sw_power_cap;hw_thermal\n108.000,0.3")
	file(t, dir, "cn01", "time_s,cpu_busy_ratio,load1\n100.000,0.5,1\n101.500,,2\n102.000,0.7,3\n")
	if err := Merge(dir, "all.csv", map[string]float64{"cn02": 5}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := "time_s,node,cpu_busy_ratio,load1,gpu0_throttle_reasons\n" +
		"100.000,cn01,0.5,1,\n100.000,cn02,0.1,,none\n101.500,cn01,,2,\n102.000,cn01,0.7,3,\n102.000,cn02,0.2,,sw_power_cap;hw_thermal\n"
	if string(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if strings.Join(Nodes(dir), " ") != "cn01 cn02" {
		t.Errorf("nodes %v", Nodes(dir))
	}
}

// A node whose file is none is named, and the others' readings are there all the same.
func TestMergeWithoutOne(t *testing.T) {
	dir := t.TempDir()
	if err := Merge(dir, "all.csv", nil); err == nil || !strings.Contains(err.Error(), "no monitor has left a file") {
		t.Errorf("of no files: %v", err)
	}
	bad := file(t, dir, "cn01", "oops\n")
	file(t, dir, "cn02", "time_s,load1\n1,1\n")
	if err := Merge(dir, "all.csv", nil); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("%v, want %s named", err, bad)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "all.csv")); err != nil || string(text) != "time_s,node,load1\n1.000,cn02,1\n" {
		t.Errorf("%s, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".all.csv*")); err != nil || len(left) > 0 {
		t.Errorf("beside it lie %v, %v", left, err)
	}
}

// What Skip leaves to be read has every row from the instant on, and little before it.
func TestSkip(t *testing.T) {
	text := []byte("time_s,a\n")
	const rows = 20000
	for k := range rows {
		text = fmt.Appendf(text, "%d.5,%s\n", 1000+k, strings.Repeat("7", 50+k%100))
		if k%1000 == 0 {
			text = append(text, "no row\n"...)
		}
	}
	path := file(t, t.TempDir(), "cn01", string(text)+"21")
	for _, at := range []float64{0, 1000.5, 1001, 5000, 11111.25, 20999.5, 21000, 1e9} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Skip(at); err != nil {
			t.Fatal(err)
		}
		before, first := 0, math.Inf(1)
		for {
			row, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.At < at {
				before++
			} else {
				first = min(first, row.At)
			}
		}
		want := max(1000.5, math.Ceil(at-0.5)+0.5)
		if want > 1000+rows {
			want = math.Inf(1)
		}
		if first != want || before > 5*piece/50 {
			t.Errorf("from %g on: the first is %g, want %g; %d rows before it", at, first, want, before)
		}
	}
}
