package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// statusInfo is what 'kuai status' prints.
type statusInfo struct {
	api.Node
	Connected []api.Peer `json:"connected"`
	Cut       []string   `json:"cut,omitempty"`    // ids of peers that the lab keeps away
	Copies    []string   `json:"copies,omitempty"` // addresses of nodes with this node's identity
}

const cutByLab = "cut off by the lab" // the state of such a peer

func newStatus() *cobra.Command {
	return verb("status", "Show the node's chain, pending payments, mining and peers", askStatus, printStatus)
}

func askStatus(ctx context.Context, c *rpc.Client) (statusInfo, error) {
	n, err := c.Node(ctx)
	if err != nil {
		return statusInfo{}, err
	}
	peers, err := c.Peers(ctx)
	if err != nil {
		return statusInfo{}, err
	}
	s := statusInfo{Node: n, Connected: []api.Peer{}}
	for _, p := range peers.Peers {
		if p.Connected {
			s.Connected = append(s.Connected, p)
		}
		if p.State == cutByLab {
			s.Cut = append(s.Cut, p.ID)
		}
		if isCopy(p.State) {
			s.Copies = append(s.Copies, p.Address)
		}
	}
	return s, nil
}

func printStatus(w io.Writer, l language, s statusInfo) error {
	var b strings.Builder
	for _, line := range [][2]string{
		{"address", peerText(s.PeerID, s.Name)},
		{"rewards", s.Rewards},
		{"network", networkText(s.Node)},
		{"profile", s.Profile},
		{"outside", dialableText(s.Dialable)},
		{"version", s.Version},
		{"tip", fmt.Sprintf("block %d, %s", s.Height, s.Tip)},
		{"pending", count(s.Pool.Transactions, "payment") + ", " + count(s.Pool.Bytes, "byte")},
		{"mining", miningText(s.Mining)},
		{"target", targetText(s.Node)},
		{"pace", paceText(s.Pace)},
		{"sync", syncText(s.Sync, len(s.Connected))},
		{"lab", labText(s)},
		{"identity", copiesText(s.Copies)},
		{"peers", fmt.Sprint(len(s.Connected))},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s%s\n", l.label(line[0]), l.text(line[1]))
		}
	}
	for _, p := range s.Connected {
		fmt.Fprintf(&b, "         %s\n", l.format("%s, %s, block %d, %s", peerText(p.ID, p.Name), l.text(p.Direction), p.Height, p.Agent))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// copiesText warns of nodes with this node's identity, "" if there are none.
func copiesText(at []string) string {
	if len(at) == 0 {
		return ""
	}
	return fmt.Sprintf("also that of the node at %s: 'kuai doctor' says what to do", strings.Join(at, ", "))
}

// networkText is a network's name and id; a node of an earlier version tells its id alone.
func networkText(n api.Node) string {
	if n.NetworkName == "" {
		return n.Network
	}
	return fmt.Sprintf("%s (%s)", n.NetworkName, n.Network)
}

// labText tells on which side of a split network the node is, and how many peers its lab keeps away; "" if there is neither.
func labText(s statusInfo) string {
	switch {
	case s.Split != nil:
		by := s.Split.Teacher
		if by == s.PeerID {
			by = "this node"
		}
		return fmt.Sprintf("split until %s, by %s: this node is on side %d; peers cut off: %d",
			s.Split.Until.Local().Format(time.TimeOnly), by, s.Split.Side, len(s.Cut))
	case len(s.Cut) > 0:
		return fmt.Sprintf("peers cut off by 'kuai lab switches': %d", len(s.Cut))
	}
	return ""
}

// targetText is the target of a secure network, "" of a classic one, whose zeros never change.
func targetText(n api.Node) string {
	if n.Pace == nil {
		return ""
	}
	return n.Target
}

// paceText says how fast the blocks of a secure network come, "" of a classic one.
func paceText(p *api.NodePace) string {
	switch {
	case p == nil:
		return ""
	case p.Recent == nil:
		return fmt.Sprintf("a block in %d s, %.0f tries", p.BlockSeconds, p.Tries)
	}
	return fmt.Sprintf("a block in %d s, %.0f tries; lately one in %s s", p.BlockSeconds, p.Tries, shortTime(*p.Recent))
}

// shortTime writes seconds with a digit behind the point, and so many more as a short time needs.
func shortTime(seconds float64) string {
	if seconds >= 0.1 {
		return fmt.Sprintf("%.1f", seconds)
	}
	return strconv.FormatFloat(seconds, 'g', 1, 64)
}

// dialableText tells whether the node can be dialled from outside, "" if it does not find out.
func dialableText(d *api.Dialable) string {
	switch {
	case d == nil:
		return ""
	case d.State == "yes":
		return fmt.Sprintf("can be dialled at %s, as %s found", d.Address, peerText(d.By, d.ByName))
	case d.State == "unknown":
		return "not known yet whether this node can be dialled: a peer outside that runs with --nat, too, must try"
	case d.Address == "":
		return "cannot be dialled from outside the local network: there is no public address, and no router has opened a port"
	}
	return fmt.Sprintf("cannot be dialled at %s, as %s found", d.Address, peerText(d.By, d.ByName))
}

func miningText(m api.NodeMining) string {
	if m.Searching {
		return fmt.Sprintf("%s, searching at %.0f tries/s", m.Mode, m.Rate)
	}
	return m.Mode + ", idle"
}

func syncText(s api.NodeSync, peers int) string {
	switch {
	case s.Active:
		return syncProgress(s) + ", from " + s.Peer
	case peers == 0:
		return "no peers to sync with"
	}
	return "level with the peers"
}
