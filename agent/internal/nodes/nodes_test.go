package nodes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func table(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nodes.tsv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServerOverTwoNodesIsOneEndpoint(t *testing.T) {
	got, err := Read(table(t, "monitor\tm0\t10.0.0.9\t-\nclient\tc1\t10.0.0.1\t20106\nserver\ts1\t10.0.0.2\t20100\nserver\ts2\t10.0.0.3\t-\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"http://10.0.0.2:20100"}; !slices.Equal(got.Endpoints(), want) {
		t.Errorf("endpoints %q, want %q", got.Endpoints(), want)
	}
	if clients := got.Clients(); len(clients) != 1 || clients[0].Address() != "10.0.0.1:20106" {
		t.Errorf("clients %v", clients)
	}
}

func TestServersOutsideTheJobComeAfterItsOwn(t *testing.T) {
	got, err := Read(table(t, "client\tc1\t10.0.0.1\t20106\nendpoint\tapi\thttps://api.example.com/v1/\t-\n"+
		"server\ts1\t10.0.0.2\t20100\nserver\ts1\t10.0.0.2\t20101\nidle\ti1\t10.0.0.7\t-\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"http://10.0.0.2:20100", "http://10.0.0.2:20101", "https://api.example.com/v1"}; !slices.Equal(got.Endpoints(), want) {
		t.Errorf("endpoints %q, want %q", got.Endpoints(), want)
	}
}

func TestBadRowIsNamed(t *testing.T) {
	for row, want := range map[string]string{
		"server\ts1":                        "nodes.tsv:2: 2 columns",
		"server\ts1\t10.0.0.2\thttp":        `nodes.tsv:2: port "http"`,
		"server\ts1\t10.0.0.2\t0":           `nodes.tsv:2: port "0"`,
		"server\ts1\t10.0.0.2\t20100\tmore": "nodes.tsv:2: 5 columns",
		"endpoint\tapi\tapi.example.com\t-": "nodes.tsv:2: endpoint api.example.com: want http://host:port",
		"endpoint\tapi\thttps://a/v1\t443":  "nodes.tsv:2: endpoint https://a/v1: want",
	} {
		_, err := Read(table(t, "client\tc1\t10.0.0.1\t20106\n"+row+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", row, err, want)
		}
	}
}
