package compose

import (
	"fmt"
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
	public    = regexp.MustCompile(`\{KUAI_PUBLIC_URL: "http://127\.0\.0\.1:500(\d)", KUAI_NETWORK: "\$\{KUAI_NETWORK:-classic\}"\}`)
	mounted   = regexp.MustCompile(`volumes: \["(data\d:/data)"]`)
)

// ownFile writes the repository's compose file with names of this run's own for all that the machine has only one of: the published
// ports and the image. Its nodes are in a network of their own, as multicast also reaches nodes on the machine itself.
func ownFile(t *testing.T, path, network string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := published.ReplaceAllStringFunc(string(b), func(s string) string {
		service := fmt.Sprintf("kuai%d", s[len(`"127.0.0.1:500`)]-'0'+1)
		ports[service] = process.FreePort(t)
		return fmt.Sprintf(`"127.0.0.1:%d:5000"`, ports[service])
	})
	urls := 0
	text = public.ReplaceAllStringFunc(text, func(s string) string {
		urls++
		i := strings.Index(s, ":500") + len(":500")
		return strings.Replace(s, s[i-len("500"):i+1], fmt.Sprint(ports["kuai"+string(s[i]+1)]), 1)
	})
	mounts := len(mounted.FindAllString(text, -1))
	text = mounted.ReplaceAllString(text, fmt.Sprintf(`volumes: ["$1", "%s:/network.json:ro"]`, network))
	const image = "\n  image: kuai\n"
	if len(ports) != 3 || urls != 3 || mounts != 3 || strings.Count(text, image) != 1 {
		t.Fatalf("%s is not as this test expects it: ports %v, %d URLs, %d volumes", path, ports, urls, mounts)
	}
	text = strings.Replace(text, image, "\n  image: "+project+"\n", 1)
	file := filepath.Join(t.TempDir(), "docker-compose.yml")
	write(t, file, text)
	return file
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // the containers' user reads the network's
		t.Fatal(err)
	}
}
