// Package wallet keeps the keys of a person's accounts on a secure network, each in a file behind a password, and signs with them.
//
// # Vocabulary
//
//   - key: an Ed25519 private key. Its 32-byte seed is all there is to keep.
//   - words: 12 words (BIP-39) that stand for a key. They are shown once, when the key is made, and are not kept.
//   - wallet: a key in a file, encrypted with a password.
//   - name: what this person calls an address, their own or another's. Names are on this machine only, never on the chain.
//
// # Files
//
//	12D3KooW….age   a wallet, named by its address: the seed, encrypted by age with a password; 'age -d FILE' prints the 32 bytes
//	alice.name      the address that is called alice, and on a second line a check value of both
//
// The directory is the whole state: several processes may use it at once, and a copy of a file is a backup.
//
// # Guarantees
//
// A wallet's file is written once, beside its place, synced, and put there only if no other file is: a full disk, a crash or a second
// process loses nothing. Only the owner can read it. A key never appears in a log, an error or formatted output, nested values
// included: it has to be asked for with Key.Seed.
//
// It does not hide keys from who can read this process's memory, and a password that can be guessed protects nothing.
package wallet
