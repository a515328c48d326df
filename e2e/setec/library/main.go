// A program that uses setec's own client library as it is. It is told what to do by lines of JSON on
// standard input, and answers each with a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tailscale/setec/client/setec"
	"github.com/tailscale/setec/types/api"
)

// Request is one thing to do; bytes are in base64.
type Request struct {
	Op      string
	Name    string
	Version api.SecretVersion
	Value   []byte
	// Of client: address of the server, and what is sent as bearer token unless it is empty.
	Server string
	Bearer string
	// Of store: what it is made with. With a File, that is its server.
	Names  []string
	Prefix string
	Cache  string
	File   string
	PollMs int
	Lookup bool
}

// Answer has what the operation has.
type Answer struct {
	// Kind of a failure that clients tell apart.
	Failed   string            `json:",omitempty"`
	Message  string            `json:",omitempty"`
	Value    []byte            `json:",omitempty"`
	Version  api.SecretVersion `json:",omitempty"`
	Info     *api.SecretInfo   `json:",omitempty"`
	List     []*api.SecretInfo `json:",omitempty"`
	Text     string            `json:",omitempty"`
	Settings *Settings         `json:",omitempty"`
	Metrics  json.RawMessage   `json:",omitempty"`
}

// Settings of a program, filled in by the library.
type Settings struct {
	Text   string       `setec:"text"`
	Bytes  []byte       `setec:"bytes"`
	Live   setec.Secret `setec:"live" json:"-"`
	Parsed struct {
		User string
		Port int
	} `setec:"parsed,json"`
	// What Live gives when it is asked.
	Now string
}

var failures = map[string]error{
	"not-found":     api.ErrNotFound,
	"denied":        api.ErrAccessDenied,
	"unchanged":     api.ErrValueNotChanged,
	"claimed":       api.ErrVersionClaimed,
	"out-of-time":   context.DeadlineExceeded,
	"no-such-field": setec.ErrNoFields,
}

type program struct {
	client   setec.Client
	store    *setec.Store
	settings Settings
	updater  *setec.Updater[string]
}

func (p *program) do(ctx context.Context, r Request) (Answer, error) {
	switch r.Op {
	case "client":
		p.client = setec.Client{Server: r.Server}
		if r.Bearer != "" {
			p.client.DoHTTP = func(request *http.Request) (*http.Response, error) {
				request.Header.Set("Authorization", "Bearer "+r.Bearer)
				return http.DefaultClient.Do(request)
			}
		}
		return Answer{}, nil
	case "list":
		list, err := p.client.List(ctx)
		return Answer{List: list}, err
	case "get":
		return valued(p.client.Get(ctx, r.Name))
	case "get-if-changed":
		return valued(p.client.GetIfChanged(ctx, r.Name, r.Version))
	case "get-version":
		return valued(p.client.GetVersion(ctx, r.Name, r.Version))
	case "info":
		info, err := p.client.Info(ctx, r.Name)
		return Answer{Info: info}, err
	case "put":
		version, err := p.client.Put(ctx, r.Name, r.Value)
		return Answer{Version: version}, err
	case "create-version":
		return Answer{}, p.client.CreateVersion(ctx, r.Name, r.Version, r.Value)
	case "activate":
		return Answer{}, p.client.Activate(ctx, r.Name, r.Version)
	case "delete-version":
		return Answer{}, p.client.DeleteVersion(ctx, r.Name, r.Version)
	case "delete":
		return Answer{}, p.client.Delete(ctx, r.Name)

	case "store":
		return Answer{}, p.open(ctx, r)
	case "secret":
		return Answer{Value: p.store.Secret(r.Name).Get()}, nil
	case "lookup":
		secret, err := p.store.LookupSecret(ctx, r.Name)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: secret.Get()}, nil
	case "refresh":
		return Answer{}, p.store.Refresh(ctx)
	case "settings":
		p.settings.Now = p.settings.Live.GetString()
		return Answer{Settings: &p.settings}, nil
	case "metrics":
		return Answer{Metrics: json.RawMessage(p.store.Metrics().String())}, nil
	case "version":
		value, err := p.store.VersionedSecret(r.Name).GetVersion(ctx, r.Version)
		return Answer{Value: value}, err
	case "new-version":
		return Answer{}, p.store.VersionedSecret(r.Name).CreateVersion(ctx, r.Version, r.Value)
	case "close":
		return Answer{}, p.store.Close()

	case "updater":
		updater, err := setec.NewUpdater(ctx, p.store, r.Name, func(value []byte) (string, error) {
			if string(value) == "bad" {
				return "", errors.New("no such thing can be made")
			}
			return "made of " + string(value), nil
		})
		p.updater = updater
		return Answer{}, err
	case "updated":
		answer := Answer{Text: p.updater.Get()}
		return answer, p.updater.Err()
	}
	return Answer{}, fmt.Errorf("no operation %q", r.Op)
}

func (p *program) open(ctx context.Context, r Request) error {
	config := setec.StoreConfig{
		Client:       p.client,
		Secrets:      r.Names,
		AllowLookup:  r.Lookup,
		PollInterval: -1,
	}
	if r.PollMs > 0 {
		config.PollInterval = time.Duration(r.PollMs) * time.Millisecond
	}
	if r.Prefix != "" {
		p.settings = Settings{}
		config.Structs = []setec.Struct{{Value: &p.settings, Prefix: r.Prefix}}
	}
	if r.File != "" {
		client, err := setec.NewFileClient(r.File)
		if err != nil {
			return err
		}
		config.Client = client
	}
	if r.Cache != "" {
		cache, err := setec.NewFileCache(r.Cache)
		if err != nil {
			return err
		}
		config.Cache = cache
	}
	store, err := setec.NewStore(ctx, config)
	p.store = store
	return err
}

func valued(value *api.SecretValue, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	return Answer{Value: value.Value, Version: value.Version}, nil
}

func main() {
	var p program
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		answer, err := p.do(ctx, request)
		cancel()
		if err != nil {
			answer.Failed, answer.Message = "other", err.Error()
			for kind, sentinel := range failures {
				if errors.Is(err, sentinel) {
					answer.Failed = kind
				}
			}
		}
		if err := output.Encode(answer); err != nil {
			panic(err)
		}
	}
}
