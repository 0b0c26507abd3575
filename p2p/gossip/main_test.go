package gossip_test

import (
	"testing"

	"kuai/p2p/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }
