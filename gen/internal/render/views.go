package render

import (
	"fmt"
	"slices"
	"strconv"

	"hpcbench/gen/internal/plan"
)

// view is a plan as the templates see it.
func view(in Input) *Bundle {
	p, s := in.Plan, in.Plan.Setting
	v := &Bundle{
		Version: in.Version, Slug: p.Slug, Scenario: p.Scenario, Service: p.Service, Cluster: s.Cluster, Title: p.Title(), Plan: p.ID,
		Local: s.Local, Shell: s.Shell, Runtime: s.Runtime, GPUFlag: s.GPUFlag, Modules: s.Modules, Binds: s.Binds, Secrets: s.Secrets, Files: s.Files,
		SiteEnv: s.SiteEnv, Trials: len(p.Trials), ServerPort: port(s.ServerPort), ClientPort: port(s.ClientPort),
		Interfaces: s.Interfaces, HealthPath: s.HealthPath, KeyFile: s.KeyFile, HealthTimeout: s.HealthTimeoutS, HealthInterval: s.HealthIntervalS,
		SrunMPI: s.MPI, MonitorStep: s.MonitorStep, MonitorGPUs: s.MonitorGPUs, ClientStep: s.ClientStep, GPUs: s.GPUs, Bill: p.Bill(),
		SmokeBill: p.SmokeBill(), SmokeTime: plan.Span(p.SmokeS()),
		PrefetchOnCompute: s.Prefetch.OnCompute, PrefetchDirectives: directives(s.Prefetch.Directives),
	}
	if s.MonitorS > 0 {
		v.Laptop = laptop(in)
		v.Watch, v.Exporter = s.Watch.Schema > 0, s.Watch.Exporter
		v.OutputFile = s.OutputFile
		v.MonitorInterval = strconv.FormatFloat(s.MonitorS, 'f', -1, 64) + "s"
	}
	v.store(s)
	if s.Logs != nil {
		v.LogMB, v.Kernel = s.Logs.SizeMB, s.Logs.Kernel
	}
	for _, d := range p.Deployments {
		v.Deployments = append(v.Deployments, deployment(d))
		v.External = v.External || len(d.External) > 0
		v.Own = v.Own || len(d.Prepare)+len(d.Pages) > 0
		v.HasFiles = v.HasFiles || len(d.Files) > 0
		v.bring(d)
	}
	for _, k := range s.Stores {
		v.pull(Image{k.Image, k.Remote})
	}
	for _, j := range p.Jobs {
		v.Jobs = append(v.Jobs, v.job(j))
		v.Several = len(p.Jobs) > 1 || j.Chain > 1
	}
	return v
}

func port(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func directives(all []plan.Directive) []Directive {
	var views []Directive
	for _, d := range all {
		views = append(views, Directive(d))
	}
	return views
}

func deployment(d *plan.Deployment) Deployment {
	return Deployment{
		ID: d.ID, What: d.What, Image: d.Image, Model: d.Model, Dialect: d.Dialect, Launcher: d.Launcher, Step: d.Step,
		Trials: d.Trials, StartupS: d.StartupS, Replicas: max(1, d.Replicas), Tasks: d.Tasks, External: d.External,
		Prepare: len(d.Prepare) > 0,
	}
}

// bring adds what prefetch fetches for a deployment, each image and model once.
func (v *Bundle) bring(d *plan.Deployment) {
	v.pull(Image{d.Image, d.Remote})
	same := func(p Prefetch) bool { return p.Image == d.Image && slices.Equal(p.Argv, d.Prefetch) }
	if len(d.Prefetch) > 0 && !slices.ContainsFunc(v.Prefetch, same) {
		v.Prefetch = append(v.Prefetch, Prefetch{d.Model, d.Image, d.Prefetch})
	}
}

// pull adds an image, once.
func (v *Bundle) pull(image Image) {
	if image.Path != "" && !slices.Contains(v.Images, image) {
		v.Images = append(v.Images, image)
	}
}

// store adds what keeps metrics while the job runs. A reading may take as long as there is until the next, 10 s at most.
func (v *Bundle) store(s plan.Setting) {
	v.StoreStep = s.StoreStep
	for _, k := range s.Stores {
		v.Stores = append(v.Stores, Store{
			Bundle: v, Name: k.Name, Argv: k.Argv, Port: k.Port, Image: k.Image,
			Interval: milliseconds(s.ScrapeS), Timeout: milliseconds(min(10, s.ScrapeS)),
		})
	}
}

// milliseconds is a duration as Prometheus reads it.
func milliseconds(s float64) string { return fmt.Sprintf("%.0fms", 1000*s) }

func (v *Bundle) job(j *plan.Job) Job {
	job := Job{
		Bundle: v, Script: j.Script, Directives: directives(j.Directives), ServerPart: directives(j.ServerPart), JobTrials: j.Trials,
		Total: j.Total, MonitorSeats: plan.Spans(j.Seats.Monitors), ClientSeats: plan.Spans(j.Seats.Clients),
		ServerSeats: plan.Spans(j.Seats.Servers), IdleSeats: plan.Spans(j.Seats.Idle), SignalLead: j.SignalS, Reserve: j.ReserveS,
		TimeLimit: plan.Clock(j.LimitS), Chain: max(1, j.Chain),
	}
	for _, d := range j.Smoke.Directives {
		job.SmokeOptions = append(job.SmokeOptions, "--"+d.Flag+"="+d.Value)
	}
	for _, d := range v.Deployments {
		if slices.Contains(j.Deployments, d.ID) {
			job.Deployments = append(job.Deployments, d)
		}
	}
	return job
}
