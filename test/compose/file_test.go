package compose

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kuai/test/process"
)

// ports are where the services' APIs are published.
var ports = make(map[string]int)

var (
	published = regexp.MustCompile(`"127\.0\.0\.1:500(\d):5000"`)
	public    = regexp.MustCompile(`\{KUAI_PUBLIC_URL: "http://127\.0\.0\.1:500(\d)"\}`)
	mounted   = regexp.MustCompile(`volumes: \["(data\d:/data)"]`)
)

// ownFile writes the repository's compose file with names of this run's own for all that the machine has only one of: the published
// ports and the image. Its nodes are in a network of their own, as multicast also reaches nodes on the machine itself.
func ownFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, text := t.TempDir(), string(b)
	network := filepath.Join(dir, "network.json")
	text = published.ReplaceAllStringFunc(text, func(s string) string {
		service := fmt.Sprintf("kuai%d", s[len(`"127.0.0.1:500`)]-'0'+1)
		ports[service] = process.FreePort(t)
		return fmt.Sprintf(`"127.0.0.1:%d:5000"`, ports[service])
	})
	urls := len(public.FindAllString(text, -1))
	text = public.ReplaceAllStringFunc(text, func(s string) string {
		service := "kuai" + string(s[len(`{KUAI_PUBLIC_URL: "http://127.0.0.1:500`)]+1)
		return fmt.Sprintf(`{KUAI_PUBLIC_URL: "http://127.0.0.1:%d", KUAI_NETWORK: /network.json}`, ports[service])
	})
	mounts := len(mounted.FindAllString(text, -1))
	text = mounted.ReplaceAllString(text, fmt.Sprintf(`volumes: ["$1", "%s:/network.json:ro"]`, network))
	const image = "\n  image: kuai\n"
	if len(ports) != 3 || urls != 3 || mounts != 3 || strings.Count(text, image) != 1 {
		t.Fatalf("%s is not as this test expects it: ports %v, %d URLs, %d volumes", path, ports, urls, mounts)
	}
	text = strings.Replace(text, image, "\n  image: "+project+"\n", 1)
	const own = `{"name": "compose", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.5, "transactions": []}}`
	write(t, network, fmt.Sprintf(own, rand.IntN(1_600_000_000)))
	file := filepath.Join(dir, "docker-compose.yml")
	write(t, file, text)
	return file
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // the containers' user reads one of them
		t.Fatal(err)
	}
}
