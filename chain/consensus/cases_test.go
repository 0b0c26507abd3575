package consensus_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// setting is a tip of three blocks under rules with easy proofs.
func setting(t testing.TB, r *consensus.Rules) chaintest.Setting {
	t.Helper()
	parent := r.Genesis.Header()
	for range 2 {
		parent = chaintest.Block(t, r, parent, "miner").Header()
	}
	return chaintest.Setting{Rules: r, Parent: parent, Now: time.Unix(1_800_000_000, 0)}
}

// checkBlock is a door without a state: what is read, linked to the parent and held against the clock.
func checkBlock(s chaintest.Setting, b *consensus.Block, err error) error {
	if err != nil {
		return err
	}
	if b.Header().Previous != s.Parent.Hash {
		return chain.ErrOrphan
	}
	if err := s.Rules.CheckLink(s.Parent, b); err != nil {
		return err
	}
	return s.Rules.CheckTime(b, s.Now)
}

func TestBlockCases(t *testing.T) {
	s := setting(t, chaintest.Rules())
	cases := chaintest.BlockCases(s)
	for _, c := range cases {
		b, err := s.Rules.ParseBlock(c.Raw)
		if err := c.Check(checkBlock(s, b, err)); err != nil {
			t.Error(err)
		}
		b, err = s.Rules.ReadBlock(c.Raw)
		if err := c.CheckLoose(checkBlock(s, b, err)); err != nil {
			t.Errorf("read: %v", err)
		}
	}
	namesDiffer(t, cases, 150)
	for _, name := range []string{"as many bytes as may be", "one byte too many, all of use", "as many transactions as may be", "one transaction too many"} {
		if !slices.ContainsFunc(cases, func(c chaintest.Case) bool { return c.Name == "block: "+name }) {
			t.Errorf("the generator left out %q", name)
		}
	}
}

func TestTransactionCases(t *testing.T) {
	r := chaintest.Rules()
	cases := chaintest.TransactionCases(r)
	for _, c := range cases {
		_, err := r.ParsePayment(c.Raw)
		if err := c.Check(err); err != nil {
			t.Error(err)
		}
		_, err = r.ReadPayment(c.Raw, chain.NewID())
		if err := c.CheckLoose(err); err != nil {
			t.Errorf("read: %v", err)
		}
	}
	namesDiffer(t, cases, 100)
}

// namesDiffer fails where there are fewer cases than least, or two of one name.
func namesDiffer(t *testing.T, cases []chaintest.Case, least int) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.Name] {
			t.Errorf("two cases are named %s", c.Name)
		}
		seen[c.Name] = true
	}
	if len(cases) < least {
		t.Errorf("%d cases, want at least %d", len(cases), least)
	}
	t.Logf("%d cases", len(cases))
}

// TestEveryPureRuleHasCases holds the generator to its word. What needs a state is left to the chain's tests.
func TestEveryPureRuleHasCases(t *testing.T) {
	s := setting(t, chaintest.Rules())
	found := map[consensus.Rule]bool{}
	var orphans, futures int
	for _, c := range chaintest.BlockCases(s) {
		found[c.Rule] = true
		if errors.Is(c.Err, chain.ErrOrphan) {
			orphans++
		}
		if errors.Is(c.Err, consensus.ErrFuture) {
			futures++
		}
	}
	for _, rule := range []consensus.Rule{
		"", consensus.RuleBlockSize, consensus.RuleCanonical, consensus.RuleBlockKeys, consensus.RuleIndex, consensus.RulePreviousHash, consensus.RuleProofRange,
		consensus.RuleTimestamp, consensus.RuleTransactionCount, consensus.RuleReward, consensus.RuleDuplicateID, consensus.RuleIndexStep, consensus.RuleProof,
		consensus.RuleTransactionSize, consensus.RuleTransactionKeys, consensus.RuleAmount, consensus.RuleID, consensus.RuleRecipient, consensus.RuleSender,
	} {
		if !found[rule] {
			t.Errorf("no case for the rule %q", rule)
		}
	}
	if orphans == 0 || futures == 0 {
		t.Errorf("%d orphans and %d blocks from the future", orphans, futures)
	}
}

// elsewhere names the tests of rules that need more of a chain than a block on its tip, or that no block of a secure network can break.
var elsewhere = map[consensus.Rule]string{
	consensus.RuleParentInvalid: "TestUncoveredBranch",
	consensus.RuleParent:        "TestResolveDoor, TestImportDoor",
	consensus.RuleProofRange:    "a classic network's: RuleProofForm",
	consensus.RuleProof:         "a classic network's: RuleTarget",
}

// TestEverySecureRuleHasCases finds the rules in this package's source: one that is added needs a case, which then goes through every
// entry point.
func TestEverySecureRuleHasCases(t *testing.T) {
	s := setting(t, chaintest.SecureRules())
	s.Mined = consensus.ID{1}
	blocks, payments := chaintest.BlockCases(s), chaintest.TransactionCases(s.Rules)
	namesDiffer(t, append(slices.Clone(blocks), payments...), 150)
	found, valid, errs := map[consensus.Rule]bool{}, map[string]bool{}, map[error]bool{}
	for _, c := range append(blocks, payments...) {
		found[c.Rule], errs[c.Err] = true, true
		valid[c.Name] = c.Rule == "" && c.Err == nil
		most, size := s.Rules.MaxBlockBytes, len(c.Raw)
		if c.Name == "block: as many bytes as may be" && size != most || c.Name == "block: one byte too many, all of use" && size != most+1 {
			t.Errorf("%s: %d bytes, the limit is %d", c.Name, size, most)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\tRule\w+ +Rule = "(.+?)"`).FindAllSubmatch(text, -1) {
			rules++
			if r := consensus.Rule(m[1]); found[r] == (elsewhere[r] != "") {
				t.Errorf("rule %q: a case %v, another test %q", r, found[r], elsewhere[r])
			}
		}
	}
	if rules < 25 || !errs[chain.ErrOrphan] || !errs[consensus.ErrFuture] || !errs[chain.ErrFunds] {
		t.Errorf("%d rules, errors %v", rules, errs)
	}
	for _, name := range []string{"timestamp just after the parent's", "timestamp as far ahead as may be", "proof that is the second to hold", "as many bytes as may be",
		"reward alone", "balance: all of it", "balance: to itself", "balance: what came before it in the block"} {
		if !valid["block: "+name] {
			t.Errorf("no valid case %q beside the invalid ones", name)
		}
	}
}

// TestSecureCasesFollowTheRules is TestCasesFollowTheRules for a secure network.
func TestSecureCasesFollowTheRules(t *testing.T) {
	r := chaintest.SecureRules()
	r.Reward, r.BlockTime, r.First = "12", 3*time.Second, consensus.ZerosTarget(2)
	r.MaxBlockBytes, r.MaxBlockTransactions, r.MaxTransactionBytes = 20_000, 20, 500
	s := setting(t, r)
	balance := 0
	for _, c := range chaintest.BlockCases(s) {
		b, err := r.ParseBlock(c.Raw)
		if c.Rule == consensus.RuleSignature && err == nil {
			err = r.Signatures().CheckBlock(b)
		}
		if c.Rule == consensus.RuleBalance { // needs accounts
			c.Rule, balance = "", balance+1
		}
		if err := c.Check(checkBlock(s, b, err)); err != nil {
			t.Error(err)
		}
	}
	if balance == 0 {
		t.Error("no case of balances")
	}
}

// TestCasesFollowTheRules runs the generator on other limits, where nothing classic may show through.
func TestCasesFollowTheRules(t *testing.T) {
	r := chaintest.Rules()
	r.Zeros, r.Reward = 0, "12.5"
	r.MaxBlockBytes, r.MaxBlockTransactions, r.MaxTransactionBytes, r.MaxNameBytes, r.MaxAhead = 20_000, 50, 350, 300, time.Minute
	s := setting(t, r)
	for _, c := range chaintest.BlockCases(s) {
		b, err := r.ParseBlock(c.Raw)
		if err := c.Check(checkBlock(s, b, err)); err != nil {
			t.Error(err)
		}
	}
	for _, c := range chaintest.TransactionCases(r) {
		_, err := r.ParsePayment(c.Raw)
		if err := c.Check(err); err != nil {
			t.Error(err)
		}
	}
}
