package probe

import (
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
)

func TestSeconds(t *testing.T) {
	for text, want := range map[string]float64{
		"2-00:00:00": 172800, "30:00": 1800, "02:00:00": 7200, "UNLIMITED": 0, "": 0, "infinite": 0, "1-12:30:05": 86400 + 12*3600 + 1805,
	} {
		if got := seconds(text); got != want {
			t.Errorf("seconds(%q) = %g, want %g", text, got, want)
		}
	}
}

func TestGRES(t *testing.T) {
	for _, c := range []struct {
		text  string
		count int
		kind  string
	}{
		{"gpu:4", 4, ""}, {"gpu:a100:4(S:0-1)", 4, "a100"}, {"gpu:mi250:8,nvme:1", 8, "mi250"}, {"(null)", 0, ""}, {"", 0, ""},
		{"gpu:nvidia_h100_80gb_hbm3:4(S:0,2)", 4, "nvidia_h100_80gb_hbm3"}, {"license:9", 0, ""},
	} {
		if count, kind := gres(c.text); count != c.count || kind != c.kind {
			t.Errorf("gres(%q) = %d, %q", c.text, count, kind)
		}
	}
}

func TestQueueForTests(t *testing.T) {
	for _, c := range []struct {
		names []string
		maxS  []float64
		want  string
	}{
		{[]string{"gpu", "gpu-dev"}, []float64{172800, 7200}, "gpu-dev"},
		{[]string{"standard-g", "dev-g"}, []float64{172800, 10800}, "dev-g"},
		{[]string{"booster", "develbooster"}, []float64{86400, 7200}, "develbooster"},
		{[]string{"normal", "boost_qos_dbg"}, []float64{0, 1800}, "boost_qos_dbg"},
		{[]string{"dev", "test"}, []float64{21600, 1800}, ""}, // two: a person chooses
		{[]string{"devices"}, []float64{172800}, ""},          // too patient to be one
		{[]string{"latest"}, []float64{1800}, ""},
	} {
		if got, _, _ := tests(c.names, c.maxS); got != c.want {
			t.Errorf("tests(%q) = %q, want %q", c.names, got, c.want)
		}
	}
}

func TestBashOlderThanOurs(t *testing.T) {
	for version, want := range map[string]bool{"4.2.46(2)-release": true, "4.4.20(1)-release": false, "5.2.37(1)-release": false, "3.2": true, "": false} {
		if old(version) != want {
			t.Errorf("old(%q) = %t", version, !want)
		}
	}
}

// Whatever a cluster answers, or a person writes into the answers, a profile comes out that gen reads, or an error: no
// value becomes a key or a line of its own.
func TestHostileAnswersStayValues(t *testing.T) {
	const hostile = `x: y # "z" ' {a} [b] - % @ !!str`
	for _, name := range asked {
		t.Run(name, func(t *testing.T) {
			text := "node.host = n1\nslurm.partition = PartitionName=gpu MaxTime=1:00 OverSubscribe=NO\n" + name + " = " + hostile + "\n"
			a, err := Parse("answers.txt", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			profile, _ := Profile(a, "")
			p, err := cluster.Parse("p.yaml", profile)
			if err != nil {
				t.Fatalf("%v\n%s", err, profile)
			}
			if p.Shell != "/bin/bash" && p.Shell != "/bin/bash -l" {
				t.Errorf("shell is %q", p.Shell)
			}
		})
	}
}

// Facts that were struck out leave blanks, and no more is made up for them than says that it is a guess.
func TestStruckOutFactsAreBlank(t *testing.T) {
	a, err := Parse("answers.txt", []byte("node.host = n1\n"))
	if err != nil {
		t.Fatal(err)
	}
	profile, blanks := Profile(a, "mine")
	for _, key := range []string{"gpus_per_node", "gpu_model", "cpus_per_node", "runtime", "modules", "interfaces", "internet_login", "internet_compute", "max_time_s"} {
		if !slices.Contains(blanks, key) {
			t.Errorf("%s is not blank", key)
		}
	}
	p, err := cluster.Parse("p.yaml", profile)
	if err != nil {
		t.Fatalf("%v\n%s", err, profile)
	}
	if p.Name != "mine" || p.InternetLogin != nil || len(p.Partitions) > 0 {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(string(profile), "architecture: amd64           # a guess") {
		t.Errorf("the architecture is not called a guess:\n%s", profile)
	}
}
