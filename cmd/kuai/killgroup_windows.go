package main

import "os/exec"

// killGroup leaves c as it is: the end of its context ends its process.
func killGroup(*exec.Cmd) {}
