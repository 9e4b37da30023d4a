package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/google/gops/agent"
	"github.com/spf13/cobra"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/app"
	"github.com/skycoin/teller/internal/config"
)

func newServe(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve what the configuration says (the same as no subcommand)",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serveConfigured(cmd.Context(), f) },
	}
}

func serveConfigured(ctx context.Context, f *flags) error {
	c, err := config.Load(f.source())
	if err != nil {
		return fmt.Errorf("the configuration has mistakes, nothing was started:\n%w", err)
	}
	return serve(ctx, c, nil)
}

// serve runs the counter until the context ends. opened is called when it is ready, before it serves; it may be nil.
func serve(ctx context.Context, c config.Config, opened func(*app.App)) error {
	log, closeLog, err := openLog(c)
	if err != nil {
		return err
	}
	defer closeLog()
	hup := make(chan os.Signal, 1) // from here on, because a hangup during a long start must not end it
	signal.Notify(hup, syscall.SIGHUP)
	for _, w := range c.Warnings() {
		log.Warn("configuration is unwise", "what", w)
		fmt.Fprintln(os.Stderr, "teller: "+w) // who starts it should see it, wherever the log goes
	}
	removePID, err := writePID(c.Path(c.PIDFile))
	if err != nil {
		return err
	}
	defer func() {
		if err := removePID(); err != nil {
			log.Warn("pid file can not be removed", "err", err)
		}
	}()
	if c.Profile {
		if err := agent.Listen(agent.Options{}); err != nil {
			return fmt.Errorf("start the gops agent, as profile asks: %w", err)
		}
		defer agent.Close()
	}
	a, err := app.New(ctx, app.Options{Config: c, Log: log, Version: buildVersion(), Passphrase: passphraseFrom(c)})
	if err != nil && ctx.Err() != nil {
		log.Info("teller ended while it was starting")
		return nil // as asked
	}
	if err != nil {
		log.Error("teller can not start", "notice", "WATCH", "err", err)
		return err
	}
	if opened != nil {
		opened(a)
	}
	log.Debug("effective configuration", "config", c)
	log.Info("teller started", "version", buildVersion(), "config", c.SourceFile, "dir", c.DataDir)
	defer reloadOnHangup(ctx, a, log, hup)()
	err = a.Run(ctx)
	if err != nil {
		log.Error("teller ended with a failure", "notice", "WATCH", "err", err)
		return err
	}
	log.Info("teller ended")
	return nil
}

// reloadOnHangup reads the address files again on SIGHUP, which also opens the log file anew.
func reloadOnHangup(ctx context.Context, a *app.App, log *slog.Logger, hup chan os.Signal) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hup {
			changes, err := a.Reload(ctx)
			if err != nil {
				log.Error("address files can not be used, those read before stay in use", "err", err)
				continue
			}
			for coin, c := range changes {
				log.Info("address file read again", "coin", coin, "added", c.Added, "removed", c.Removed, "remaining", c.Remaining)
			}
		}
	}()
	return func() {
		signal.Stop(hup)
		close(hup)
		<-ended
	}
}

// writePID notes the process id for logrotate and the like. "" notes nothing.
func writePID(path string) (remove func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil { //nolint:gosec // to be read by others
		return nil, teller.Errorf(teller.CodeUnavailable, "write the pid file: %w", err)
	}
	return func() error { return os.Remove(path) }, nil
}
