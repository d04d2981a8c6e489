package recipe

import (
	"maps"
	"slices"

	"hpcbench/gen/internal/diag"
)

// learn reads the service's own schema of servers.service_config.
func (f *File) learn() error {
	f.settings = nil
	if f.service == nil {
		return nil
	}
	doc := map[string]any{"type": "object"}
	maps.Copy(doc, f.service.Config)
	root := wrap(doc)
	closed(root, true, f.service.Flags)
	s, err := compile("service_config-"+f.service.Name, root)
	f.settings = s
	return err
}

// closed closes the sections of a schema that do not say themselves whether they are, so that validation names what is
// unknown. They are open where the service hands on what it does not know.
func closed(doc *node, root, open bool) {
	if (doc.get("properties") != nil || root) && doc.get("additionalProperties") == nil {
		doc.set("additionalProperties", wrap(false))
		doc.set("x-open", wrap(open))
	}
	if properties := doc.get("properties"); properties != nil {
		for _, f := range properties.fields {
			closed(f.node, false, open)
		}
	}
}

// config checks servers.service_config by the service's schema. What the service does not know is an error, or, where it
// hands such settings on as flags of the server, a warning.
func (f *File) config() diag.List {
	if f.settings == nil {
		return nil
	}
	l := f.furtherSettings()
	section := f.written.at("servers", "service_config")
	if section == nil || section.kind != mapping || section.bad {
		return l
	}
	l = append(append(l, f.single(section)...), raise(section, f.settings, section, f.settings)...)
	v := validator{root: section, schema: f.settings, prefix: "servers.service_config"}
	v.run()
	return append(l, v.diags...)
}

// furtherSettings checks the settings that points of the sweep have.
func (f *File) furtherSettings() diag.List {
	v := validator{schema: f.settings, prefix: "servers.service_config", partial: true}
	for _, tree := range overlays(f.written) {
		if section := tree.at("servers", "service_config"); section != nil && section.kind == mapping && !section.bad {
			v.root = section
			v.single(v.prefix, section, f.settings)
			v.validate(section, f.settings, v.prefix)
		}
	}
	return v.diags
}

// single takes distributed out where the service runs on one node and so does not know it.
func (f *File) single(section *node) diag.List {
	var l diag.List
	d := section.get("distributed")
	if d == nil || !f.service.SingleNode || f.settings.field("distributed") != nil {
		return nil
	}
	section.remove("distributed")
	if enabled := d.get("enabled"); enabled != nil && (enabled.value == true || enabled.sweep || enabled.kind == list) {
		l.Errorf(enabled.pos, "single-node", "delete distributed: each server node is an endpoint of its own",
			"%s runs on one node; it can't be one server on several", f.service.Name)
		l.Fix(diag.Delete(d.key))
	} else {
		l.Hintf(d.key, "no-effect", "delete it", "distributed has no effect: %s runs on one node", f.service.Name)
		l.Fix(diag.Delete(d.key))
	}
	return l
}

// raise moves settings from a subsection that does not know them to the root, which does: recipes of the older toolkit
// have max_model_len under distributed.ray.
func raise(root *node, settings *schema, n *node, s *schema) diag.List {
	var l diag.List
	for _, f := range slices.Clone(n.fields) {
		below := s.field(f.name)
		if below == nil || f.kind != mapping {
			continue
		}
		for _, inner := range slices.Clone(f.fields) {
			if below.field(inner.name) != nil || settings.field(inner.name) == nil {
				continue
			}
			f.remove(inner.name)
			if other := root.get(inner.name); other == nil {
				root.set(inner.name, inner.node)
				l.Hintf(inner.key, "moved", "write it directly under service_config", "%s under %s is taken as servers.service_config.%s", inner.name, f.name, inner.name)
				l.Fix(diag.Move(inner.key, "servers.service_config."+inner.name))
			} else if !other.equal(inner.node) {
				conflict(&l, inner.name, inner.node, other)
			}
		}
		l = append(l, raise(root, settings, f.node, below)...)
	}
	return l
}

// markLoose takes every list of a section as a sweep: what is done for a service that nobody knows.
func markLoose(n *node) {
	if n == nil {
		return
	}
	for _, f := range n.fields {
		if f.kind == list && len(f.items) > 0 && !slices.ContainsFunc(f.items, func(i *node) bool { return i.kind != scalar }) {
			f.sweep = true
		}
		markLoose(f.node)
	}
}
