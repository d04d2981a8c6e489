package record

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func example() *Record {
	return &Record{
		ID: 7, Phase: Measure, Endpoint: 1,
		Scheduled: 1.5, Sent: 1.500000123, FirstToken: 1.75, FirstAnswer: 2, LastToken: 2.25, Done: 2.250000001,
		Outcome: OK, Status: 200, PromptTokens: 12, OutputTokens: 3, TokenSource: Usage,
		Bytes: 640, Batch: -1, ServerLoad: 0.0015, ServerPrompt: 0.2, ServerDecode: 0.5, Gaps: []float32{0.25, 0.25},
	}
}

func TestALineHasTheNamesOfTheContract(t *testing.T) {
	for name, c := range map[string]struct {
		record *Record
		want   string
	}{
		"ok": {example(), `{"id":7,"phase":"measure","endpoint":1,"scheduled":1.500000000,"sent":1.500000123,` +
			`"first_token":1.750000000,"first_answer":2.000000000,"last_token":2.250000000,"done":2.250000001,"outcome":"ok","status":200,` +
			`"prompt_tokens":12,"output_tokens":3,"token_source":"usage","bytes":640,` +
			`"server_load":0.001500000,"server_prompt":0.200000000,"server_decode":0.500000000,"gaps":[0.250000000,0.250000000]}` + "\n"},
		"given up": {
			&Record{Phase: Cooldown, Scheduled: 1, Sent: 1, FirstToken: 2, FirstAnswer: 2, LastToken: 2, Done: 2, Outcome: Cancelled, GivenUp: true, PromptTokens: -1, OutputTokens: 1, TokenSource: Events, Batch: -1},
			`{"id":0,"phase":"cooldown","endpoint":0,"scheduled":1.000000000,"sent":1.000000000,"first_token":2.000000000,"first_answer":2.000000000,"last_token":2.000000000,` +
				`"done":2.000000000,"outcome":"cancelled","given_up":true,"output_tokens":1,"token_source":"events","bytes":0}` + "\n"},
		"unknown is absent": {
			&Record{Phase: Warmup, Scheduled: 0, Sent: Unknown, FirstToken: Unknown, FirstAnswer: Unknown, LastToken: Unknown, Done: Unknown,
				Outcome: NotSent, PromptTokens: -1, OutputTokens: -1, Batch: 0, Error: "the \"window\"\nended"},
			`{"id":0,"phase":"warmup","endpoint":0,"scheduled":0.000000000,"outcome":"not_sent","bytes":0,"batch":0,` +
				`"error":"the \"window\"\u000aended"}` + "\n"},
		"cold": {
			&Record{Scheduled: 1, Sent: 1, FirstToken: Unknown, FirstAnswer: Unknown, LastToken: Unknown, Done: 4, Status: 200, PromptTokens: -1, OutputTokens: 5,
				TokenSource: Usage, Batch: -1, Pings: 2, ServerLoad: 2.5, ServerPrompt: Unknown, ServerDecode: Unknown, Cold: true, Graded: true, Right: true},
			`{"id":0,"phase":"warmup","endpoint":0,"scheduled":1.000000000,"sent":1.000000000,"done":4.000000000,"outcome":"ok","status":200,` +
				`"output_tokens":5,"token_source":"usage","bytes":0,"pings":2,"server_load":2.500000000,"cold":true,"right":true}` + "\n"},
		"graded wrong": {
			&Record{Scheduled: Unknown, Sent: Unknown, FirstToken: Unknown, FirstAnswer: Unknown, LastToken: Unknown, Done: Unknown,
				PromptTokens: -1, OutputTokens: -1, Batch: -1, Graded: true},
			`{"id":0,"phase":"warmup","endpoint":0,"outcome":"ok","bytes":0,"right":false}` + "\n"},
	} {
		if got := string(appendRecord(nil, c.record, c.record.Gaps)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestSecondsAreRoundedToNanoseconds(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0.000000000", 1e-9: "0.000000001", 0.4e-9: "0.000000000", 0.9999999996: "1.000000000",
		-0.25: "-0.250000000", 86400.000000001: "86400.000000001",
	} {
		if got := string(appendSeconds(nil, s)); got != want {
			t.Errorf("%v: got %s, want %s", s, got, want)
		}
	}
}

func TestNamesReadBackAndUnknownOnesAreErrors(t *testing.T) {
	for _, o := range Outcomes() {
		var back Outcome
		if err := back.UnmarshalText([]byte(o.String())); err != nil || back != o {
			t.Errorf("outcome %v: read back as %v, %v", o, back, err)
		}
	}
	var o Outcome
	if err := o.UnmarshalText([]byte("fine")); err == nil {
		t.Error("an unknown outcome was read without an error")
	}
	if got := Outcome(99).String(); got != "invalid(99)" {
		t.Errorf("an outcome of no name is %q", got)
	}
}

func readAll(t *testing.T, r io.Reader) (Header, []*Record) {
	t.Helper()
	h, records, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	var all []*Record
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return h, all
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	var file bytes.Buffer
	h := Header{Trial: "0001", Node: "mel2001", Dialect: "openai-chat", Seed: 42, StartUnixNS: 1700000000123456789, ClockOffsetS: -0.0001}
	w := NewWriter(&file, h)
	cold := example()
	cold.Cold, cold.Graded, cold.ServerLoad, cold.Pings = true, true, 4, 3
	for _, r := range []*Record{example(), cold} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	gotHeader, got := readAll(t, &file)
	h.Schema, h.GapsEvery = Schema, 1
	if gotHeader != h {
		t.Errorf("header: got %+v, want %+v", gotHeader, h)
	}
	if len(got) != 2 || !reflect.DeepEqual(got[0], example()) || !reflect.DeepEqual(got[1], cold) {
		t.Errorf("records: got %+v, want %+v and %+v", got, example(), cold)
	}
}

func TestGapsAreThinnedPastTheLimitAndTheHeaderSaysSo(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := NewWriter(file, Header{Trial: "0001"})
	w.limit = 2000
	const n = 1000
	for range n {
		if err := w.Write(example()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	h, all := readAll(t, file)
	if h.GapsEvery != 100 || h.GapsWhole == 0 || len(all) != n {
		t.Fatalf("header %+v over %d records", h, len(all))
	}
	for i, r := range all {
		keeps := int64(i) < h.GapsWhole || (int64(i)-h.GapsWhole)%100 == 0
		if (r.Gaps != nil) != keeps {
			t.Fatalf("record %d: has gaps: %t, the header says %t", i, r.Gaps != nil, keeps)
		}
	}
}

func TestAPipeKeepsAllGaps(t *testing.T) {
	var pipe bytes.Buffer
	w := NewWriter(&pipe, Header{})
	w.limit = 1
	for range 3 {
		if err := w.Write(example()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if h, all := readAll(t, &pipe); h.GapsEvery != 1 || all[2].Gaps == nil {
		t.Errorf("header %+v, gaps of the last %v", h, all[2].Gaps)
	}
}

type fullDisk struct{ *os.File }

func (fullDisk) Write([]byte) (int, error) { return 0, os.ErrPermission }

func TestAWriteErrorIsSaid(t *testing.T) {
	w := NewWriter(fullDisk{}, Header{})
	if err := w.Write(example()); err != nil {
		t.Fatalf("while it fits the buffer: %v", err)
	}
	if err := w.Close(); err == nil {
		t.Error("Close of a full disk gave no error")
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	w := NewWriter(io.Discard, Header{})
	r := example()
	r.Error = "connection reset by peer"
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestATornLineIsNamed(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, Header{})
	if err := w.Write(example()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file.WriteString(`{"id":8,"pha`)
	_, records, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	var read int
	var last error
	for _, err := range records {
		if last = err; err == nil {
			read++
		}
	}
	if read != 1 || last == nil || !strings.Contains(last.Error(), "line 3") {
		t.Errorf("read %d records and then: %v", read, last)
	}
}

func TestHeadersThatCantBeReadAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "torn": `{"schema":1`, "no JSON": "id,phase\n", "another schema": `{"schema":9}` + "\n",
	} {
		if _, _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// same compares to the nanosecond.
func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Round(a*1e9) == math.Round(b*1e9)
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(int64(1), uint8(1), uint8(0), 1.5, 2.25, "reset", 200, 7, float32(0.01))
	f.Add(int64(-3), uint8(2), uint8(9), math.NaN(), -0.1, "\xff\u2028\"\\\x00", 0, -1, float32(3))
	f.Fuzz(func(t *testing.T, id int64, phase, outcome uint8, sent, done float64, text string, status, tokens int, gap float32) {
		if math.Abs(sent) > 1e6 || math.Abs(done) > 1e6 || !(math.Abs(float64(gap)) < 1e6) {
			t.Skip("no trial is that long")
		}
		in := &Record{ID: id, Phase: Phase(phase % 3), Outcome: Outcome(outcome % 11), Scheduled: Unknown, Sent: sent, FirstToken: Unknown,
			LastToken: Unknown, Done: done, Status: max(status, 0), PromptTokens: -1, OutputTokens: max(tokens, -1), Batch: max(id, -1),
			Error: text, Gaps: []float32{gap}}
		var file bytes.Buffer
		w := NewWriter(&file, Header{Node: text})
		if err := w.Write(in); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, all := readAll(t, &file)
		if len(all) != 1 {
			t.Fatalf("one record became %d", len(all))
		}
		out := all[0]
		if out.ID != in.ID || out.Phase != in.Phase || out.Outcome != in.Outcome || out.Status != in.Status ||
			out.OutputTokens != in.OutputTokens || out.Batch != in.Batch || out.Error != string([]rune(in.Error)) {
			t.Errorf("got %+v, want %+v", out, in)
		}
		if !same(out.Sent, in.Sent) || !same(out.Done, in.Done) || !same(float64(out.Gaps[0]), float64(gap)) || !math.IsNaN(out.Scheduled) {
			t.Errorf("instants: got %+v, want %+v", out, in)
		}
	})
}
