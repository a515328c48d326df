// Checks notes, tree heads and proofs with the transparency-log libraries of others: reads one JSON
// object on standard input and writes one with the same names, each with an error or "".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Check is one thing to check; bytes are in base64.
type Check struct {
	Name string
	Kind string // note, head, leaf, inclusion, consistency, proof
	Vkey string
	Text string
	Data []byte
	Leaf []byte
	// From 0.
	Index   int64
	Size    int64
	OldSize int64
	Root    []byte
	OldRoot []byte
	Proof   [][]byte
}

func main() {
	var checks []Check
	if err := json.NewDecoder(os.Stdin).Decode(&checks); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	verdicts := map[string]string{}
	for _, check := range checks {
		verdicts[check.Name] = ""
		if err := check.run(); err != nil {
			verdicts[check.Name] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		os.Exit(2)
	}
}

func (c *Check) run() error {
	switch c.Kind {
	case "note":
		_, err := open(c.Vkey, c.Text)
		return err
	case "head":
		return c.head(c.Text, c.Size, c.Root)
	case "leaf":
		if tlog.RecordHash(c.Data) != hashOf(c.Leaf) {
			return fmt.Errorf("another leaf hash")
		}
		return nil
	case "inclusion":
		return c.inclusion(c.Index, c.Size, c.Root, c.Proof)
	case "consistency":
		return c.consistency()
	case "proof":
		return c.proofText()
	}
	return fmt.Errorf("unknown kind %q", c.Kind)
}

func open(vkey, text string) (*note.Note, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return note.Open([]byte(text), note.VerifierList(verifier))
}

// A checkpoint is three lines whatever its origin; tlog.ParseTree wants the one of Go's database.
func parseHead(vkey, text string) (tlog.Tree, error) {
	opened, err := open(vkey, text)
	if err != nil {
		return tlog.Tree{}, err
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != strings.SplitN(vkey, "+", 2)[0] {
		return tlog.Tree{}, fmt.Errorf("the origin is %q", origin)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func (c *Check) head(text string, size int64, root []byte) error {
	tree, err := parseHead(c.Vkey, text)
	if err != nil {
		return err
	}
	if tree.N != size || tree.Hash != hashOf(root) {
		return fmt.Errorf("another tree: %d %v", tree.N, tree.Hash)
	}
	return nil
}

// Both libraries must agree.
func (c *Check) inclusion(index, size int64, root []byte, path [][]byte) error {
	hasher := rfc6962.DefaultHasher
	err := proof.VerifyInclusion(hasher, uint64(index), uint64(size), c.Leaf, path, root)
	other := tlog.CheckRecord(hashes(path), size, hashOf(root), index, hashOf(c.Leaf))
	return agreed(err, other)
}

func (c *Check) consistency() error {
	hasher := rfc6962.DefaultHasher
	size, old := uint64(c.Size), uint64(c.OldSize)
	err := proof.VerifyConsistency(hasher, old, size, c.Proof, c.OldRoot, c.Root)
	if c.OldSize == 0 {
		// tlog has no proofs from the empty tree.
		return err
	}
	other := tlog.CheckTree(hashes(c.Proof), c.Size, hashOf(c.Root), c.OldSize, hashOf(c.OldRoot))
	return agreed(err, other)
}

// A C2SP tlog-proof for c.Data, read here line by line.
func (c *Check) proofText() error {
	head, checkpoint, found := strings.Cut(c.Text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("malformed proof")
	}
	var index int64
	if _, err := fmt.Sscanf(lines[1], "index %d", &index); err != nil {
		return err
	}
	var path [][]byte
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, hash[:])
	}
	tree, err := parseHead(c.Vkey, checkpoint)
	if err != nil {
		return err
	}
	c.Leaf = rfc6962.DefaultHasher.HashLeaf(c.Data)
	return c.inclusion(index, tree.N, tree.Hash[:], path)
}

func agreed(one, other error) error {
	if (one == nil) != (other == nil) {
		return fmt.Errorf("the libraries do not agree: %v, %v", one, other)
	}
	return one
}

func hashOf(bytes []byte) (hash tlog.Hash) {
	copy(hash[:], bytes)
	return hash
}

func hashes(all [][]byte) (list []tlog.Hash) {
	for _, bytes := range all {
		list = append(list, hashOf(bytes))
	}
	return list
}
