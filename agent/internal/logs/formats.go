package logs

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// line is what a line says of itself.
type line struct {
	stamp     stamp
	level     Level    // "": it does not say
	message   string   // without time and level
	component string   // whose words they are where they are not the file's program's: slurm, container
	category  Category // the same
	json      *fields  // of our own JSON lines
}

// form is one way to write a log line: a pattern and what its groups are.
type form struct {
	first   string // what its lines may begin with, "0" standing for a digit; "": anything
	pattern *regexp.Regexp
	read    func(m []string) (line, bool)
}

// forms are the formats in the order in which they are tried. Each has a line of a real log in testdata/lines.
var forms = []form{
	{"(IWECD", regexp.MustCompile(`^((?:\([^()]*pid=[^()]*\) )*)(DEBUG|INFO|WARNING|ERROR|CRITICAL) (\d\d)-(\d\d) (\d\d:\d\d:\d\d)(?:[.,](\d+))? (.*)$`), vllm},
	{"WIEF", regexp.MustCompile(`^([DIWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d+)\s+(.*)$`), glog},
	{"[", regexp.MustCompile(`^\[([DIWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d+) (.*)$`), glog},
	{"0", regexp.MustCompile(`^(\d+)\.(\d\d)\.(\d{3})\.(\d{3}) ([DIWEF]) (.*)$`), llamacpp},
	{"0", datedForm, dated},
	{"[", regexp.MustCompile(`^\[(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d+))?(?: ([DIWEFC])(?: \d+ \d+)?)?((?: [A-Z]{2}\d+)*)\]:? (?:\([a-z_]+\) )?(.*)$`), bracketed},
	{"[", regexp.MustCompile(`^\[GIN\] (\d{4})/(\d\d)/(\d\d) - (\d\d:\d\d:\d\d) \| *(\d{3}) \|(.*)$`), gin},
	{"[", regexp.MustCompile(`^\[GIN-(debug)\] (?:\[(WARNING|ERROR)\] )?(.*)$`), ginDebug},
	{"[", regexp.MustCompile(`^\[(\d\d)/(\d\d)/(\d{4})-(\d\d:\d\d:\d\d)\] \[([A-Za-z-]+)\] (?:\[([A-Z])\] )?(.*)$`), tensorrt},
	{"[", regexp.MustCompile(`^\[(TensorRT-LLM|TRT-LLM)\]\s?\[([A-Za-z]+)\] (.*)$`), bracketLevel},
	{"", regexp.MustCompile(`^([\w.-]+:\d+:\d+ \[\d+\]) NCCL (INFO|WARN|ERROR|TRACE) (.*)$`), nccl},
	{"s", regexp.MustCompile(`^(srun|slurmstepd|slurmd|sbatch|salloc|scontrol|scancel)(?:-[\w.-]+)?: (?:(error|fatal|warning|info|debug\d?): )?(.*)$`), slurm},
	{"IWEFDC", regexp.MustCompile(`^(DEBUG|INFO|WARNING|ERROR|FATAL|CRITICAL|TRACE):( +)(.*)$`), padded},
	{"0", regexp.MustCompile(`^(\d\d:\d\d:\d\d)(?:[.,](\d+))? (?:(FAILED|warning|error|preflight error): )?(.*)$`), said},
}

var datedForm = regexp.MustCompile(`^(\d{4}[-/]\d\d[-/]\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?\s+(?:[|-] )?(?:\[?([A-Za-z]+)\]?:?\s)?(.*)$`)

// read makes of a line what its format says.
func read(text string) line {
	if l, ok := structured(text); ok {
		return l
	}
	for _, f := range forms {
		if !begins(text, f.first) {
			continue
		}
		if m := f.pattern.FindStringSubmatch(text); m != nil {
			if l, ok := f.read(m); ok {
				return l
			}
		}
	}
	return line{level: plain(text), message: text}
}

// begins tells whether a line begins with one of these characters.
func begins(text, first string) bool {
	if first == "" || text == "" {
		return first == ""
	}
	c := text[0]
	return strings.IndexByte(first, c) >= 0 || c >= '0' && c <= '9' && strings.Contains(first, "0")
}

// vllm: (EngineCore pid=904) INFO 11-26 10:13:08 [core.py:133] …; Ray puts (RayWorker pid=1, ip=…) in front.
func vllm(m []string) (line, bool) {
	at, ok := fieldsOf("", m[3], m[4], m[5], m[6])
	return line{stamp: stamp{kind: yearless, at: at}, level: level(m[2]), message: m[1] + m[7]}, ok
}

// glog: W1126 10:12:44.502000 863 torch/_library/triton.py:53] …, of PyTorch and Triton; with a bracket in front of c10's.
func glog(m []string) (line, bool) {
	at, ok := fieldsOf("", m[2], m[3], m[4], m[5])
	return line{stamp: stamp{kind: yearless, at: at}, level: level(m[1]), message: m[6]}, ok
}

// llamacpp: 0.00.021.916 I srv llama_server: …: minutes, seconds, milliseconds and microseconds since it was started.
func llamacpp(m []string) (line, bool) {
	minutes, err := strconv.ParseInt(m[1], 10, 32)
	rest, err2 := strconv.ParseInt(m[2]+m[3]+m[4], 10, 64)
	return line{
		stamp: stamp{kind: since, since: time.Duration(minutes)*time.Minute + time.Duration(rest)*time.Microsecond},
		level: level(m[5]), message: m[6],
	}, err == nil && err2 == nil
}

// dated: 2026-11-26 10:10:23,444<tab>INFO scripts.py:1084 -- …, of Ray and most Python programs; 2024/05/12 06:47:18 …, of Go's.
func dated(m []string) (line, bool) {
	date := strings.ReplaceAll(m[1], "/", "-")
	l := line{level: level(m[5]), message: m[6]}
	if l.level == "" && m[5] != "" {
		l.message = m[5] + " " + m[6]
	}
	var ok bool
	if m[4] != "" {
		l.stamp, ok = zoned(date + "T" + m[2] + fraction(m[3]) + m[4])
		return l, ok
	}
	l.stamp.kind = local
	l.stamp.at, ok = fieldsOf(date[:4], date[5:7], date[8:], m[2], m[3])
	return l, ok
}

// bracketed: [2026-11-26 10:10:20,767 W 521 521] network_util.cc:330: …, of Ray's C++; [2026-11-26 10:10:20 TP0] …, of SGLang.
func bracketed(m []string) (line, bool) {
	at, ok := fieldsOf(m[1][:4], m[1][5:7], m[1][8:], m[2], m[3])
	l := line{stamp: stamp{kind: local, at: at}, level: level(m[4]), message: m[6]}
	if l.level == "" {
		l.level = plain(m[6])
	}
	if m[5] != "" {
		l.message = strings.TrimSpace(m[5]) + " " + m[6]
	}
	return l, ok
}

// gin: [GIN] 2024/07/21 - 15:52:40 | 200 | 6.2826ms | 127.0.0.1 | GET "/api/tags", of Ollama.
func gin(m []string) (line, bool) {
	at, ok := fieldsOf(m[1], m[2], m[3], m[4], "")
	l := line{stamp: stamp{kind: local, at: at}, level: Info, message: "[GIN] " + m[5] + " |" + m[6]}
	switch m[5][0] {
	case '4':
		l.level = Warn
	case '5':
		l.level = Error
	}
	return l, ok
}

// ginDebug: [GIN-debug] [WARNING] …, at Ollama's start.
func ginDebug(m []string) (line, bool) {
	l := line{level: level(m[2]), message: "[GIN-debug] " + m[3]}
	if l.level == "" {
		l.level = Debug
	}
	return l, true
}

// tensorrt: [12/08/2025-09:15:02] [TRT-LLM] [I] …, of TensorRT-LLM and TensorRT.
func tensorrt(m []string) (line, bool) {
	at, ok := fieldsOf(m[3], m[1], m[2], m[4], "")
	l := line{stamp: stamp{kind: local, at: at}, level: level(m[6]), message: m[7]}
	if l.level == "" {
		l.level = level(m[5])
	}
	return l, ok
}

// bracketLevel: [TensorRT-LLM][WARNING] …
func bracketLevel(m []string) (line, bool) {
	l := line{level: level(m[2]), message: "[" + m[1] + "] " + m[3]}
	return l, l.level != ""
}

// nccl: mel2093:863:912 [0] NCCL WARN …
func nccl(m []string) (line, bool) {
	return line{level: level(m[2]), message: m[1] + " NCCL " + m[3]}, true
}

// slurm: srun: error: cn05: task 0: Exited with exit code 1; slurmstepd: error: *** STEP 4711.2 ON mel2093 CANCELLED AT … ***.
func slurm(m []string) (line, bool) {
	l := line{level: level(m[2]), message: m[1] + ": " + m[3], component: "slurm", category: System}
	if m[2] != "" {
		l.message = m[1] + ": " + m[2] + ": " + m[3]
	}
	if l.level == "" {
		l.level = Info
	}
	if at := slurmTime.FindStringSubmatch(m[3]); at != nil {
		if t, ok := fieldsOf(at[1], at[2], at[3], at[4], ""); ok {
			l.stamp = stamp{kind: local, at: t}
		}
	}
	return l, true
}

var slurmTime = regexp.MustCompile(` AT (\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)`)

// padded: "INFO:    …" of Apptainer, which fills up to nine columns; of uvicorn, to ten, and of Python's logging, with no blank.
func padded(m []string) (line, bool) {
	l := line{level: level(m[1]), message: m[3]}
	if len(m[1])+1+len(m[2]) == 9 {
		l.component, l.category = "container", Infrastructure
	}
	return l, true
}

// said: 10:31:01 ── deploy, of the job script.
func said(m []string) (line, bool) {
	at, ok := fieldsOf("2000", "01", "01", m[1], m[2])
	l := line{stamp: stamp{kind: daytime, at: at}, level: Info, message: m[4]}
	if m[3] != "" {
		l.level, l.message = level(strings.TrimPrefix(m[3], "preflight ")), m[3]+": "+m[4]
	}
	return l, ok
}

// plainLevel is a level that a line without a format shows by a word at its begin, or by what only failures say.
var plainLevel = regexp.MustCompile(`^(?:[\w./-]+: ){0,2}(?i:(error|fatal|warning|panic))\b:? |(Traceback \(most recent call last\))|(Segmentation fault|Bus error|core dumped)|^([A-Z]\w*(?:Error|Exception)): `)

// plain is the level of a line that has no format; "" where it shows none.
func plain(text string) Level {
	m := plainLevel.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[1] != "":
		return level(m[1])
	}
	return Error
}

// fieldsOf makes a time of its fields, read as UTC; year "" stands for none. False where they are none of a real time.
func fieldsOf(year, month, day, clock, subsecond string) (time.Time, bool) {
	if year == "" {
		year = "2000" // a leap year
	}
	at, err := time.Parse("2006-01-02T15:04:05", year+"-"+month+"-"+day+"T"+clock+fraction(subsecond))
	return at, err == nil
}

// fraction is the part of a second behind the point, with the point; at most nine digits of it.
func fraction(digits string) string {
	if digits == "" {
		return ""
	}
	return "." + digits[:min(9, len(digits))]
}

// zoned reads a time with its zone.
func zoned(text string) (stamp, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return stamp{kind: absolute, at: at}, true
		}
	}
	return stamp{}, false
}
