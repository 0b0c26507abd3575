package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// terminal is what a process is given.
type terminal struct {
	args, env   []string
	out, errOut io.Writer
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, t terminal) int {
	root := newRoot(t)
	root.SetArgs(t.args)
	root.SetOut(t.out)
	root.SetErr(t.errOut)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	l := languageOf(t.env)
	fmt.Fprintf(t.errOut, "kuai: %s\n", l.text(err.Error()))
	if code == exitUsage {
		fmt.Fprintln(t.errOut, l.text(fmt.Sprintf("Run '%s --help' for help.", c.CommandPath())))
	}
	return code
}

// newRoot builds the command tree. Errors that arise before a verb begins are usage errors.
func newRoot(t terminal) *cobra.Command {
	var asked bool // for the version
	root := &cobra.Command{
		Use:           "kuai",
		Short:         "A peer-to-peer node for the tutorial's blockchain",
		Long:          "kuai (块, a block) runs a node of the tutorial's blockchain that gossips, mines and syncs with others,\nand talks to a running one.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownVerb,
		RunE: func(c *cobra.Command, _ []string) error {
			if asked {
				_, err := fmt.Fprintln(c.OutOrStdout(), versionText())
				return err
			}
			return c.Help()
		},
	}
	root.Flags().BoolVarP(&asked, "version", "v", false, "version for kuai") // cobra's own is printed by a template
	root.InitDefaultHelpFlag()
	env, foreign := ownEnv(t.env)
	root.AddCommand(newDaemon(foreign), newStatus(), newID(), newHealth(), newPeers(), newConnect(), newDisconnect(), newMine(),
		newSend(), newBlock(), newTx(), newPending(), newBalance(), newExport(), newImport(), newVerify(), newConfig(), newDoctor(), newGrade(), newLab(), newBench(), newNodes(), newResolve(), newForks(),
		newInvite(), newJoin(foreign), newNetworkVerb(),
		newWatch(), newWait(), newLogs(), newWallet(), newMan(), newVersion())
	root.SetHelpCommand(newHelp())
	groupVerbs(root)
	languageOf(t.env).translate(root)
	all := allVerbs(root)
	for _, c := range all {
		prepareVerb(c, env, all)
	}
	return root
}

// allVerbs returns c and every verb below it.
func allVerbs(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, below := range c.Commands() {
		all = append(all, allVerbs(below)...)
	}
	return all
}

// prepareVerb makes the command's flags read their env twins, and marks what goes wrong before the command begins. A variable is
// known if a command in all has a flag of its name.
func prepareVerb(c *cobra.Command, env []string, all []*cobra.Command) {
	args, verb := c.Args, c.RunE
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{flagError(c, err)} })
	c.Args = func(c *cobra.Command, words []string) error {
		if err := args(c, words); err != nil {
			return usageError{err}
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, words []string) error {
		if err := errors.Join(unknownEnv(env, all), readEnv(c.Flags(), env)); err != nil {
			return usageError{err}
		}
		return verb(c, words)
	}
}
