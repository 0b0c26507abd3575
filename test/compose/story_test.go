package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/test/process"
)

// island is the network of a node that is cut off.
var island = project + "_island"

const settle = 3 * time.Minute // until what one node knows, all know; a container's start included

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

type nodeInfo struct {
	PeerID string `json:"peer_id"`
	Height int64  `json:"height"`
	Tip    string `json:"tip"`
	Peers  int    `json:"peers"`
}

func ask(service, method, path, body string, status int, answer any) error {
	url := fmt.Sprintf("http://127.0.0.1:%d%s", ports[service], path)
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s %s: status %d: %s", method, url, resp.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func get(t *testing.T, service, path string, answer any) {
	t.Helper()
	if err := ask(service, "GET", path, "", 200, answer); err != nil {
		t.Fatal(err)
	}
}

func mine(t *testing.T, service string, n int) {
	t.Helper()
	for range n {
		get(t, service, "/mine", &struct{}{})
	}
}

// agreed waits until the services have one tip at the height.
func agreed(t *testing.T, height int64, services ...string) nodeInfo {
	t.Helper()
	var first nodeInfo
	process.Eventually(t, fmt.Sprintf("block %d is the tip of %v", height, services), settle, func() error {
		for i, s := range services {
			var n nodeInfo
			if err := ask(s, "GET", "/node", "", 200, &n); err != nil {
				return err
			}
			if i == 0 {
				first = n
			}
			if n.Height != height || n.Tip != first.Tip {
				return fmt.Errorf("%s is at block %d, %s", s, n.Height, n.Tip)
			}
		}
		return nil
	})
	return first
}

// everywhere waits until the services say one of the statuses of a payment.
func everywhere(t *testing.T, id string, services []string, statuses ...string) {
	t.Helper()
	process.Eventually(t, fmt.Sprintf("payment %s is %v on %v", id, statuses, services), settle, func() error {
		for _, s := range services {
			var answer struct{ Status string }
			if err := ask(s, "GET", "/transactions/"+id, "", 200, &answer); err != nil {
				return err
			}
			if !slices.Contains(statuses, answer.Status) {
				return fmt.Errorf("it is %q on %s", answer.Status, s)
			}
		}
		return nil
	})
}

// connected waits until every service has two peers.
func connected(t *testing.T, services []string) {
	t.Helper()
	process.Eventually(t, "all are connected", settle, func() error {
		for _, s := range services {
			var n nodeInfo
			if err := ask(s, "GET", "/node", "", 200, &n); err != nil {
				return err
			}
			if n.Peers != len(services)-1 {
				return fmt.Errorf("%s has %d peers", s, n.Peers)
			}
		}
		return nil
	})
}

// TestCompose is the user's story with the containers that the README starts, on a network of each profile.
func TestCompose(t *testing.T) {
	e := newEngine(t)
	for name, made := range map[string]func(t *testing.T) network{"classic": newClassic, "secure": newSecure} {
		t.Run(name, func(t *testing.T) {
			n := made(t)
			e.on(t, n.file).story(t, n)
		})
	}
}

// story starts three nodes of a network, cuts one off, and ends with all payments mined on all of them.
func (e *engine) story(t *testing.T, n network) {
	e.up()
	all := []string{"kuai1", "kuai2", "kuai3"}
	connected(t, all)

	t.Run("image", func(t *testing.T) { e.checkImage(t) })
	t.Run("banner", func(t *testing.T) { e.checkBanners(t) })

	t.Log("a payment posted on one is pending on all, a block mined on any is the tip of all")
	first := n.pay(t, "kuai1")
	everywhere(t, first, all, "pending")
	mine(t, "kuai2", 1)
	agreed(t, 2, all...)
	everywhere(t, first, all, "mined")

	t.Log("a container that is killed comes back with what it had, and catches up")
	var before, after nodeInfo
	get(t, "kuai3", "/node", &before)
	kept := n.pay(t, "kuai3")
	everywhere(t, kept, all, "pending")
	e.run(cmdTime, e.words("kill", "kuai3")...)
	mine(t, "kuai1", 3)
	e.run(cmdTime, e.words("start", "kuai3")...)
	agreed(t, 5, all...)
	get(t, "kuai3", "/node", &after)
	if before.PeerID != after.PeerID {
		t.Errorf("peer id %s before the kill, %s after", before.PeerID, after.PeerID)
	}
	everywhere(t, kept, all, "mined")

	t.Log("two sides apart end on the longest chain, and the dropped payment is pending again")
	e.apart(t, all, n)

	for _, s := range all {
		var bob struct{ Balance json.Number }
		if get(t, s, "/addresses/"+n.bob, &bob); bob.Balance != "15" {
			t.Errorf("bob has %s on %s after three payments of 5", bob.Balance, s)
		}
	}

	t.Log("all are stopped and started again")
	e.run(cmdTime, e.words("restart")...)
	connected(t, all)
	mine(t, "kuai3", 1)
	agreed(t, 10, all...)

	t.Log("they become healthy")
	for _, s := range all {
		process.Eventually(t, s+" is healthy", settle, func() error {
			if got := e.inspect(e.container(s), "{{.State.Health.Status}}"); got != "healthy" {
				return fmt.Errorf("it is %s", got)
			}
			return nil
		})
	}
	t.Log("they stop cleanly")
	e.run(cmdTime, e.words("stop")...)
	for _, s := range all {
		if code := e.inspect(e.container(s), "{{.State.ExitCode}}"); code != "0" {
			t.Errorf("%s ended with %s", s, code)
		}
	}
}

// checkBanners looks for what is true outside the containers: where each page is, and no command to type beside the node.
func (e *engine) checkBanners(t *testing.T) {
	for service, port := range ports {
		log := e.run(cmdTime, e.words("logs", "--no-color", service)...)
		if page := fmt.Sprintf("http://127.0.0.1:%d/", port); !strings.Contains(log, page) || strings.Contains(log, "A second node") {
			t.Errorf("%s: want the page %s and no advice in\n%s", service, page, log)
		}
	}
}

// apart moves kuai3 into a network of its own, lets both sides mine, and brings them together again.
func (e *engine) apart(t *testing.T, all []string, n network) {
	t.Helper()
	id := e.container("kuai3")
	e.run(cmdTime, "docker", "network", "create", island)
	e.t.Cleanup(func() { _, _ = e.in(context.Background(), "docker", "network", "rm", island) })
	e.run(cmdTime, "docker", "network", "connect", island, id)
	e.run(cmdTime, "docker", "network", "disconnect", project+"_kuai", id)

	dropped := n.pay(t, "kuai1")
	everywhere(t, dropped, all[:2], "pending")
	mine(t, "kuai2", 1)
	everywhere(t, dropped, all[:2], "mined")
	process.Eventually(t, "kuai3 answers from its island", settle, func() error {
		var n nodeInfo
		return ask("kuai3", "GET", "/node", "", 200, &n)
	})
	mine(t, "kuai3", 3)

	e.run(cmdTime, "docker", "network", "connect", "--alias", "kuai3", project+"_kuai", id)
	e.run(cmdTime, "docker", "network", "disconnect", island, id)
	agreed(t, 8, all...)
	everywhere(t, dropped, all, "pending", "returned")
	mine(t, "kuai1", 1)
	agreed(t, 9, all...)
	everywhere(t, dropped, all, "mined")
}

// checkImage looks at what the Dockerfile promises.
func (e *engine) checkImage(t *testing.T) {
	id := e.container("kuai1")
	for format, want := range map[string]string{
		"{{.Config.User}}":                  "65532:65532",
		"{{json .Config.Entrypoint}}":       `["/kuai"]`,
		"{{json .Config.Healthcheck.Test}}": `["CMD","/kuai","health"]`,
		"{{json .NetworkSettings.Ports}}": fmt.Sprintf(`{"15000/tcp":null,"5000/tcp":[{"HostIp":"127.0.0.1","HostPort":"%d"}]}`,
			ports["kuai1"]),
		`{{range .Mounts}}{{if eq .Type "volume"}}{{.Destination}}{{end}}{{end}}`: "/data",
		"{{.HostConfig.RestartPolicy.Name}}":                                      "unless-stopped",
		"{{.State.Status}} {{.State.OOMKilled}}":                                  "running false",
	} {
		if got := e.inspect(id, format); got != want {
			t.Errorf("%s is %s, want %s", format, got, want)
		}
	}
	if got, want := e.inspect(project, "{{json .Config.Volumes}}"), `{"/data":{}}`; got != want {
		t.Errorf("the image's volumes are %s, want %s", got, want)
	}
}
