// Verify a consent log with golang.org/x/mod/sumdb, the code behind Go's checksum database, and with none of ours.
//
//	verify EXPORT [PROOF FORMER CONSISTENCY]
//
// EXPORT: a folder of `./unsaid consent export`. PROOF: a tlog-proof of one decision. FORMER: a checkpoint of before.
// CONSISTENCY: the hashes that show that the log still begins with it, in base64, one a line.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// stored is what a log keeps: the hashes of complete subtrees, by tlog's own numbers.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = s[index]
	}
	return found, nil
}

func must(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func read(path ...string) string {
	raw, err := os.ReadFile(filepath.Join(path...))
	must("reading", err)
	return string(raw)
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func hash(text string) tlog.Hash {
	found, err := tlog.ParseHash(text)
	must("a hash", err)
	return found
}

func keys(text string) note.Verifiers {
	var all []note.Verifier
	for _, line := range lines(text) {
		one, err := note.NewVerifier(line)
		must("the key", err)
		all = append(all, one)
	}
	return note.VerifierList(all...)
}

func open(signed string, known note.Verifiers) checkpoint {
	opened, err := note.Open([]byte(signed), known)
	must("the checkpoint", err)
	text := lines(opened.Text)
	if len(text) < 3 || text[0] != opened.Sigs[0].Name {
		must("the checkpoint", fmt.Errorf("not one of the log %s", opened.Sigs[0].Name))
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	must("the size", err)
	fmt.Printf("%s: %d entries, signed by %d of the known keys\n", text[0], size, len(opened.Sigs))
	return checkpoint{text[0], size, hash(text[2])}
}

// grow makes the tree of all entries.
func grow(entries []string) stored {
	var tree stored
	for number, entry := range entries {
		more, err := tlog.StoredHashes(int64(number), []byte(entry), tree)
		must("hashing", err)
		tree = append(tree, more...)
	}
	return tree
}

func inclusion(file string, entries []string, tree stored, known note.Verifiers) {
	head, signed, _ := strings.Cut(read(file), "\n\n")
	at := open(signed, known)
	parts := lines(head)
	if parts[0] != "c2sp.org/tlog-proof@v1" {
		must("the proof", fmt.Errorf("begins with %q", parts[0]))
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(parts[1], "extra "))
	must("the entry", err)
	index, err := strconv.ParseInt(strings.TrimPrefix(parts[2], "index "), 10, 64)
	must("the index", err)
	var proof tlog.RecordProof
	for _, line := range parts[3:] {
		proof = append(proof, hash(line))
	}
	must("inclusion", tlog.CheckRecord(proof, at.size, at.root, index, tlog.RecordHash(extra)))
	if string(extra) != entries[index] {
		must("inclusion", fmt.Errorf("another entry than %d of the export", index))
	}
	own, err := tlog.ProveRecord(at.size, index, tree)
	must("inclusion", err)
	for i := range own {
		if !bytes.Equal(own[i][:], proof[i][:]) {
			must("inclusion", fmt.Errorf("hash %d is another one than tlog's", i))
		}
	}
	fmt.Printf("entry %d is in it\n", index)
}

func main() {
	export := os.Args[1]
	known := keys(read(export, "key.txt"))
	now := open(read(export, "checkpoint.txt"), known)
	entries := lines(read(export, "entries.jsonl"))[:now.size]
	tree := grow(entries)
	root, err := tlog.TreeHash(now.size, tree)
	must("hashing", err)
	if root != now.root {
		must("the log", fmt.Errorf("its root is %v, and %v was signed", root, now.root))
	}
	fmt.Println("its root is what was signed")
	if len(os.Args) < 5 {
		return
	}
	inclusion(os.Args[2], entries, tree, known)
	former := open(read(os.Args[3]), known)
	var proof tlog.TreeProof
	for _, line := range lines(read(os.Args[4])) {
		proof = append(proof, hash(line))
	}
	must("consistency", tlog.CheckTree(proof, now.size, now.root, former.size, former.root))
	fmt.Printf("it begins with the log of %d entries\n", former.size)
}
