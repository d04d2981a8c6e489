'use strict';
// What the server sends is data: it becomes text or a number, never markup.

const $ = id => document.getElementById(id);
const token = location.hash.slice(1);

// ── What is known of the run; times are seconds from the job's start ──

let job, tick, trials, nodes, servers, lines;
function forget() {
  job = { trials: [], nodes: [], deployments: [], failures: [], trouble: [], state: 'waiting' };
  tick = { now: 0, executors: [], in_flight: 0 };
  trials = new Map(); nodes = new Map(); servers = new Map(); lines = [];
  $('log').replaceChildren(); $('shown').srcdoc = ''; $('end').hidden = true; reported = false; fresh = [];
}

// merge puts the points of an event into a curve, by time.
function merge(curves, event) {
  let points = event.all ? [] : curves.get(event.of) ?? [];
  const last = points.length ? points[points.length - 1][0] : -Infinity;
  if (event.points.every((p, i, all) => p[0] > (i ? all[i - 1][0] : last))) points.push(...event.points);
  else {
    const by = new Map(points.map(p => [Math.round(p[0] * 1e3), p]));
    for (const p of event.points) by.set(Math.round(p[0] * 1e3), p);
    points = [...by.values()].sort((a, b) => a[0] - b[0]);
  }
  curves.set(event.of, points);
}

const events = {
  reset: () => { forget(); known = ''; },
  job: e => { job = e; job.trials ??= []; },
  trial: e => merge(trials, e),
  node: e => merge(nodes, e),
  server: e => merge(servers, e),
  log: e => { for (const all of [lines, fresh]) { all.push(...e); all.splice(0, all.length - 2000); } }, // nothing is drawn where nobody sees it
  tick: e => { tick = e; soon(); },
};

// soon draws once, however much is new.
let due = false;
function soon() {
  if (!due) requestAnimationFrame(() => { due = false; draw(); });
  due = true;
}

// ── The stream ──

let stream, pause = 1, lost = '', reported = false, known = '', fresh = [];

async function connect() {
  const mine = stream = new AbortController();
  try {
    const answer = await fetch('events', { headers: { Authorization: 'Bearer ' + token }, cache: 'no-store', signal: mine.signal });
    if (answer.status === 401) return refuse(token ? 'This token is not, or no longer, the right one: use the URL that agent watch, or gen watch, printed last.' : 'The token is missing in this URL: use all of it as agent watch, or gen watch, printed it, with what stands behind the #.');
    if (!answer.ok) throw new Error((await answer.text()).trim());
    await listen(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    throw new Error('The page\'s server has ended');
  } catch (error) {
    if (mine.signal.aborted) return;
    lost = (error instanceof TypeError ? 'The page\'s server is not reached' : error.message) + '; trying again. What is shown is as old as the last word of it.';
    draw();
    setTimeout(() => { if (stream === mine) connect(); }, 1000 * pause);
    pause = Math.min(10, pause * 2);
  }
}

async function listen(reader) {
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const whole = text.split('\n\n');
    text = whole.pop();
    for (const block of whole) {
      const name = /^event: (.*)$/m.exec(block), data = /^data: (.*)$/m.exec(block);
      if (name && data && events[name[1]]) events[name[1]](JSON.parse(data[1]));
    }
    pause = 1; lost = '';
  }
}

function refuse(words) { lost = words; $('job').textContent = 'not connected'; draw(); }

// A page that nobody sees asks for nothing.
let away;
document.addEventListener('visibilitychange', () => {
  clearTimeout(away);
  if (document.hidden) away = setTimeout(() => { stream.abort(); stream = null; }, 60e3);
  else if (!stream) connect();
});

// ── Numbers for people ──

const some = v => v !== null && v !== undefined && Number.isFinite(v);
function number(v) {
  if (!some(v)) return '–';
  if (v !== 0 && Math.abs(v) < 1e-3) return v.toExponential(1);
  const digits = v === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(v))));
  return v.toFixed(Math.min(digits, 3)).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}
const seconds = v => !some(v) ? '–' : v < 1 ? number(1e3 * v) + ' ms' : number(v) + ' s';
function span(s) {
  if (!some(s)) return '–';
  s = Math.ceil(s);
  if (s < 90) return s + ' s';
  if (s < 5400) return Math.round(s / 60) + ' min';
  return Math.floor(s / 3600) + ' h ' + Math.round(s % 3600 / 60) + ' min';
}
const two = n => String(n).padStart(2, '0');
function clock(unix) { const d = new Date(1e3 * unix); return two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds()); }
function put(id, text) { const e = $(id); if (e.textContent !== text) e.textContent = text; }
function make(name, attributes = {}, ...inside) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...inside);
  return e;
}
const SVG = 'http://www.w3.org/2000/svg';
function shape(name, attributes, text) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

// ── Curves ──

const H = 200, L = 52, T = 10, B = 172; // a chart's height, and its edges but the right one, which is its width's
let R = 500;
let cursor = null; // where all charts are read, in seconds; null: at their end

// column is a column of a trial's points by the second: counts become rates.
function column(name, rate) {
  const k = 1 + (job.trial_columns ?? []).indexOf(name);
  return [...trials.values()].map(points => points.map(p => [p[0], k && some(p[k]) ? p[k] / (rate ? p[1] : 1) : null]));
}
function of(points, columns, name, factor = 1) {
  const k = 1 + (columns ?? []).indexOf(name);
  return [points.map(p => [p[0], k && some(p[k]) ? p[k] * factor : null])];
}

// A line is a label, its colour and dash, and stretches of points [time, value].
const latency = name => () => [['p50', 'c0', ''], ['p95', 'c1', 'dash'], ['p99', 'c3', 'dot']].map(([p, colour, dash]) => ({ label: p, colour, dash, parts: column(name + '_' + p) }));
const one = (label, colour, name, rate) => () => [{ label, colour, dash: '', parts: column(name, rate) }];
const roles = { server: 'c0', client: 'c1', monitor: 'c2', idle: 'c3' };
const dashes = ['', 'dash', 'dot', 'dashdot'];

function byNode(name, factor) {
  return () => {
    const role = new Map(job.nodes.map(n => [n.node, n.role])), count = {};
    const all = [...nodes].map(([node, points]) => {
      const r = role.get(node) ?? '', k = count[r] = (count[r] ?? -1) + 1;
      return { label: node, colour: roles[r] ?? 'c7', dash: dashes[k % 4], parts: of(points, job.node_columns, name, factor) };
    });
    return all.length <= 8 ? all : pool(all, role);
  };
}

// pool are many nodes as the mean of each role, with each of them thin behind it.
function pool(all, role) {
  const groups = new Map();
  for (const line of all) {
    const r = role.get(line.label) ?? 'nodes';
    if (!groups.has(r)) groups.set(r, { label: 'mean of ' + r + 's', colour: line.colour, dash: '', sums: new Map() });
    for (const [t, v] of line.parts[0]) {
      if (v === null) continue;
      const s = groups.get(r).sums, k = Math.round(t / 5), had = s.get(k) ?? [0, 0];
      s.set(k, [had[0] + v, had[1] + 1]);
    }
  }
  const means = [...groups.values()].map(g => ({ ...g, parts: [[...g.sums].sort((a, b) => a[0] - b[0]).map(([k, [sum, n]]) => [5 * k, sum / n])] }));
  return [...all.map(l => ({ ...l, thin: true })), ...means];
}

function byServer(names) {
  return () => [...servers].flatMap(([endpoint, points], k) => names.map(([name, label, colour, factor]) => ({
    label: (servers.size > 1 ? endpoint.replace(/^https?:\/\//, '') + ' ' : '') + label, colour: servers.size > 1 ? 'c' + k % 8 : colour,
    dash: servers.size > 1 && name === 'waiting' ? 'dash' : '', parts: of(points, job.server_columns, name, factor),
  })));
}

const GiB = 1 / 2 ** 30;
const charts = [
  ['load', 'rate', 'Requests per second', number, () => [...one('ended ok', 'c0', 'ok', true)(), { label: 'failed', colour: 'bad', dash: 'dash', parts: column('failed', true) }]],
  ['load', 'flying', 'Requests in flight', number, one('in flight', 'c0', 'in_flight')],
  ['load', 'ttft', 'Time to first token', seconds, latency('ttft_s')],
  ['load', 'tpot', 'Time per output token', seconds, latency('tpot_s')],
  ['load', 'e2el', 'End-to-end latency', seconds, latency('e2el_s')],
  ['load', 'tokens', 'Output tokens per second', number, one('tokens', 'c2', 'output_tokens', true)],
  ['servers', 'queue', 'Requests by the servers\' own word', number, byServer([['running', 'running', 'c0'], ['waiting', 'waiting', 'c1']])],
  ['servers', 'kv', 'KV cache in use, %', number, byServer([['kv_usage_ratio', 'in use', 'c3', 100]])],
  ['nodes', 'cpu', 'CPU busy, %', number, byNode('cpu_busy_ratio', 100)],
  ['nodes', 'memory', 'Memory in use, GiB', number, byNode('mem_used_bytes', GiB)],
  ['nodes', 'gpu', 'GPUs busy, %, mean over a node\'s', number, byNode('gpu_utilization_ratio', 100)],
  ['nodes', 'gpu-memory', 'GPU memory in use, GiB, of a node', number, byNode('gpu_memory_used_bytes', GiB)],
  ['nodes', 'gpu-power', 'GPU power, W, of a node', number, byNode('gpu_power_watts', 1)],
].map(([place, name, title, words, data]) => chart(place, name, title, words, data));

// ── Drawing ──

function chart(place, name, title, words, data) {
  const svg = shape('svg', { viewBox: `0 0 520 ${H}`, role: 'img', tabindex: '0' }), legend = make('ul', { class: 'legend' });
  const figure = make('figure', { id: 'chart-' + name, hidden: '' }, make('figcaption', {}, make('b', {}, title)), svg, legend);
  $(place).append(figure);
  const c = { name, title, words, data, svg, legend, figure };
  svg.addEventListener('pointermove', e => { const at = e.clientX - svg.getBoundingClientRect().left; R = svg.clientWidth - 14; cursor = time(at); soon(); });
  svg.addEventListener('pointerleave', () => { cursor = null; soon(); });
  svg.addEventListener('blur', () => { cursor = null; soon(); });
  svg.addEventListener('keydown', e => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key], [from, to] = window_();
    if (e.key === 'Escape') cursor = null;
    else if (step) cursor = Math.min(to, Math.max(from, (cursor ?? to) + step * (to - from) / 60));
    else return;
    e.preventDefault();
    draw();
  });
  return c;
}

// window_ is the stretch of time that is shown.
function window_() {
  const length = Number($('range').value), to = Math.max(tick.now, 10);
  return [length && length < to ? to - length : 0, to];
}
function time(x) { const [from, to] = window_(); return from + (Math.min(R, Math.max(L, x)) - L) / (R - L) * (to - from); }

// nice is a step of 1, 2 or 5 times a power of ten that makes at most n steps of a length.
function nice(length, n) {
  const raw = length / n, power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find(k => k * power >= raw * (1 - 1e-9));
}
function timeStep(length) {
  const most = Math.max(3, Math.min(8, (R - L) / 70));
  return [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400].find(s => length / s <= most) ?? nice(length, most);
}
function moment(s) { const h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60); return h ? `${h}:${two(m)}:${two(Math.round(s % 60))}` : `${m}:${two(Math.round(s % 60))}`; }

// seen are the points of a part within the window, no more than the chart has room for: means of neighbours.
function seen(part, from, to) {
  const inside = part.filter(p => p[0] >= from && p[0] <= to), every = Math.ceil(inside.length / 400);
  if (every < 2) return inside;
  const fewer = [];
  for (let i = 0; i < inside.length; i += every) {
    const known = inside.slice(i, i + every).filter(p => p[1] !== null);
    fewer.push([inside[i][0], known.length ? known.reduce((sum, p) => sum + p[1], 0) / known.length : null]);
  }
  return fewer;
}

function path(parts, x, y) {
  let d = '';
  for (const part of parts) {
    let up = true;
    part.forEach(([t, v], i) => {
      if (v === null) { up = true; return; }
      const alone = up && (i + 1 === part.length || part[i + 1][1] === null);
      d += (up ? 'M' : 'L') + (x(t) - (alone ? 3 : 0)).toFixed(1) + ' ' + y(v).toFixed(1) + (alone ? 'h6' : ''); // a point alone is a short line
      up = false;
    });
  }
  return d;
}

// at is the value of a line nearest to a time; null where there is none near.
function at(line, t, within) {
  let best = null, near = within;
  for (const part of line.parts) for (const p of part) {
    const d = Math.abs(p[0] - t);
    if (p[1] !== null && d <= near) { near = d; best = p[1]; }
  }
  return best;
}
function latest(line) {
  let best = null;
  for (const part of line.parts) for (const p of part) if (p[1] !== null && (!best || p[0] > best[0])) best = p;
  return best;
}

function drawChart(c) {
  const [from, to] = window_();
  c.figure.hidden = false;
  const width = c.svg.clientWidth || 520;
  R = width - 14;
  const lines = c.data().filter(l => l.parts.some(part => part.some(p => p[1] !== null))).map(l => ({ ...l, shown: l.parts.map(p => seen(p, from, to)) }));
  c.figure.hidden = !lines.length;
  if (!lines.length) return;
  let top = 0;
  for (const l of lines) for (const part of l.shown) for (const p of part) if (p[1] > top) top = p[1];
  const step = nice(top || 1, 4), high = step * Math.ceil((top || 1) / step - 1e-9);
  const x = t => L + (t - from) / (to - from) * (R - L), y = v => B - v / high * (B - T);
  const all = [];
  for (const t of job.trials) {
    if (!t.start) continue;
    const a = Math.max(from, t.start), b = Math.min(to, t.end ?? to);
    if (b <= a) continue;
    const band = shape('rect', { class: 'trial-band', x: x(a).toFixed(1), y: T, width: Math.max(1, x(b) - x(a) - 1).toFixed(1), height: B - T });
    band.append(shape('title', {}, t.id + ' ' + t.name));
    all.push(band);
  }
  for (let v = 0; v <= high * 1.001; v += step) all.push(shape('path', { class: 'grid', d: `M${L} ${y(v).toFixed(1)}H${R}` }), shape('text', { class: 'y', x: L - 7, y: (y(v) + 4).toFixed(1) }, v ? c.words(v) : '0'));
  all.push(shape('path', { class: 'axis', d: `M${L} ${B}H${R}` }));
  const every = timeStep(to - from);
  for (let t = Math.ceil(from / every) * every; t <= to; t += every) all.push(shape('path', { class: 'axis', d: `M${x(t).toFixed(1)} ${B}v4` }), shape('text', { class: 'x', x: x(t).toFixed(1), y: B + 19 }, moment(t)));
  for (const l of lines) all.push(shape('path', { class: `curve ${l.colour} ${l.dash} ${l.thin ? 'thin' : ''}`, d: path(l.shown, x, y) }));
  if (cursor !== null) all.push(shape('path', { class: 'cursor', d: `M${x(Math.min(to, Math.max(from, cursor))).toFixed(1)} ${T}V${B}` }));
  c.svg.setAttribute('viewBox', `0 0 ${width} ${H}`);
  c.svg.replaceChildren(...all);
  drawLegend(c, lines.filter(l => !l.thin), to - from);
}

function drawLegend(c, lines, length) {
  const values = lines.map(l => { const p = cursor === null ? latest(l)?.[1] : at(l, cursor, Math.max(1.5, length / 100)); return some(p) ? c.words(p) : '–'; });
  const items = lines.map((l, k) => {
    const key = shape('svg', { viewBox: '0 0 28 12', 'aria-hidden': 'true' });
    key.append(shape('path', { class: `curve ${l.colour} ${l.dash}`, d: 'M1 6H27' }));
    return make('li', {}, key, make('span', {}, l.label + ' '), make('b', {}, values[k]));
  });
  c.legend.replaceChildren(...items);
  c.svg.setAttribute('aria-label', `${c.title} at ${moment(cursor ?? tick.now)}: ${lines.map((l, k) => l.label + ' ' + values[k]).join(', ')}. Left and right arrow read it at other times.`);
}

// ── The rest of the page ──

function draw() {
  drawHead(); drawPlan(); drawNumbers(); drawFailures(); drawExecutors(); drawTrials(); drawLog();
  charts.forEach(drawChart);
  $('no-servers').hidden = servers.size > 0;
  $('no-nodes').hidden = nodes.size > 0;
  $('no-gpus').hidden = !nodes.size || !$('chart-gpu').hidden || !$('chart-gpu-memory').hidden;
  $('many').hidden = tick.executors.length < 2;
  if (job.report && !reported) showReport();
}

const stateWords = { waiting: 'no job has begun yet', resumable: 'stopped in good order, trials are left', requeued: 'begun anew by Slurm' };
function drawHead() {
  if (job.scenario) { put('title', job.scenario); document.title = `${job.scenario} ${job.id} · ${stateWords[job.state] ?? job.state}`; }
  if (job.id || !lost) put('job', job.id ? 'job ' + job.id : 'no job has begun yet');
  const word = stateWords[job.state] ?? job.state;
  put('state', job.id ? word : '');
  $('state').className = 'tag ' + job.state;
  put('link', job.start ? `began ${clock(job.start)}, ${span(Math.floor(tick.now))} ${job.state === 'running' ? 'ago' : 'long'}` : '');
  const trouble = [...job.trouble.map(t => [t, 'marked']), ...job.failures.map(f => [`${clock(job.start + f.at)} ${f.component}: ${f.message}`, 'failed'])];
  if (job.successor) trouble.unshift([`Slurm took the nodes and began the job anew: it is ${job.successor} now`, 'marked']);
  if (lost) trouble.unshift([lost, 'lost']);
  fill('trouble', trouble.map(String).join('|'), () => trouble.map(([text, kind]) => make('li', { class: kind }, text)));
  announce();
}

// announce tells a screen reader what is new: a phase, a trial, the end. Numbers stay silent.
function announce() {
  const current = job.trials.find(t => t.state === 'start');
  const words = lost ? lost : job.state === 'running' ? (current ? `Trial ${current.id}, ${current.name}, runs` : `Phase ${job.phase || 'none'}`) : `The job is over: ${stateWords[job.state] ?? job.state}`;
  if (job.id && words !== known) { known = words; put('say', words); }
}

function drawPlan() {
  const n = { done: 0, running: 0, left: 0, failed: 0 };
  const sort = { complete: 'done', done: 'done', start: 'running', missing: 'left', stopped: 'left', failed: 'failed' };
  for (const t of job.trials) n[sort[t.state] ?? 'left']++;
  if (job.state !== 'running') { n.left += n.running; n.running = 0; }
  put('done', String(n.done)); put('running', String(n.running)); put('left', String(n.left)); put('failed-trials', String(n.failed));
  for (const id of ['done', 'running', 'left', 'failed-trials']) $(id).parentElement.classList.toggle('none', $(id).textContent === '0');
  put('eta', job.state === 'running' && some(tick.eta) ? span(tick.eta) : job.state === 'running' || job.state === 'waiting' ? '–' : 'nothing');
  put('phase', job.state === 'running' ? job.phase || 'begins' : job.id ? 'over' : 'waits');
  const current = job.trials.find(t => t.state === 'start'), deployment = job.deployments[job.deployments.length - 1];
  const place = current ? job.trials.indexOf(current) + 1 : 0;
  let words = '';
  if (job.state === 'running' && current) words = `trial ${place} of ${job.trials.length}: ${current.name}` + (tick.trial === current.id ? ` · ${tick.phase} at ${Math.max(0, Math.floor(tick.elapsed_s ?? 0))} s` : '');
  else if (job.state === 'running' && deployment && deployment.state === 'start') words = `${deployment.id} starts since ${span(tick.now - deployment.start)}`;
  put('trial', words);
  const bar = $('bar');
  bar.setAttribute('aria-valuemax', String(Math.max(1, job.trials.length)));
  bar.setAttribute('aria-valuenow', String(n.done + n.failed));
  bar.setAttribute('aria-valuetext', `${n.done} done, ${n.running} running, ${n.left} left, ${n.failed} failed`);
  fill('bar', Object.values(n).join(), () => [['done', n.done], ['failed', n.failed], ['running', n.running], ['', n.left]].filter(([, k]) => k).map(([tone, k]) => {
    const part = make('i', { class: tone });
    part.style.flexGrow = k;
    return part;
  }));
}

// fill replaces what is in an element when its content differs from what was put there last.
const filled = {};
function fill(id, key, content) {
  if (filled[id] === key) return;
  filled[id] = key;
  const e = $(id);
  (e.tBodies?.[0] ?? e).replaceChildren(...content());
}

// recent is the last whole row of the running trial.
function recent() {
  const points = trials.get(tick.trial), last = points?.[points.length - 1];
  return name => { const k = 1 + (job.trial_columns ?? []).indexOf(name); return last && k ? last[k] : null; };
}

function drawNumbers() {
  const get = recent(), live = job.state === 'running' && tick.trial, step = get('step_s') || 1;
  const pair = name => {
    const low = get(name + '_p50'), high = get(name + '_p99'), ms = high < 1;
    return some(low) && some(high) ? `${number(ms ? 1e3 * low : low)} / ${number(ms ? 1e3 * high : high)} ${ms ? 'ms' : 's'}` : '–';
  };
  const rate = name => live && some(get(name)) ? number(get(name) / step) : '–';
  put('rate', rate('ok'));
  put('inflight', live ? String(tick.in_flight) : '–');
  put('ttft', live ? pair('ttft_s') : '–');
  put('tpot', live ? pair('tpot_s') : '–');
  put('tokens', rate('output_tokens'));
}

function drawFailures() {
  const sum = new Map();
  const add = by => { for (const [outcome, n] of Object.entries(by ?? {})) if (outcome !== 'ok' && n) sum.set(outcome, (sum.get(outcome) ?? 0) + n); };
  job.trials.forEach(t => add(t.by_outcome));
  add(tick.by_outcome);
  const rows = [...sum].sort((a, b) => b[1] - a[1]), total = rows.reduce((all, [, n]) => all + n, 0);
  put('failed', String(total));
  $('no-failures').hidden = total > 0;
  $('failures').hidden = total === 0;
  fill('failures', JSON.stringify(rows), () => rows.map(([outcome, n]) => make('tr', {}, make('td', {}, outcome.replace(/_/g, ' ')), make('td', { class: 'right' }, String(n)))));
}

function drawExecutors() {
  $('no-executors').hidden = tick.executors.length > 0;
  put('no-executors', job.state === 'running' || job.state === 'waiting' ? 'No executor is up yet.' : 'The job is over: nobody is asked any more.');
  fill('executors', JSON.stringify(tick.executors), () => tick.executors.map(x => make('li', {}, make('b', {}, x.node + ' '), make('span', { class: x.asked ? '' : 'tag lost' }, x.asked ? x.words : 'not reached: ' + x.words))));
}

function drawTrials() {
  fill('trials', JSON.stringify(job.trials), () => job.trials.map(t => {
    const cell = (text, right) => make('td', right ? { class: 'right' } : {}, text);
    const ms = v => some(v) ? number(1e3 * v) : '–', count = v => some(v) ? String(v) : '–';
    return make('tr', {}, cell(t.id), cell(t.name), make('td', {}, make('span', { class: 'tag ' + t.state }, { start: 'running', missing: 'left' }[t.state] ?? t.state)),
      cell(count(t.ok), 1), cell(count(t.failed), 1), cell(number(t.requests_per_s), 1), cell(number(t.output_tokens_per_s), 1), cell(ms(t.ttft_s?.[0]), 1), cell(ms(t.ttft_s?.[1]), 1), cell(t.text));
  }));
}

// ── The log ──

const shownMost = 600;
const rank = { DEBUG: 0, INFO: 1, WARN: 2, WARNING: 2, ERROR: 3, FATAL: 3 };
const rankOf = l => rank[l.level] ?? 1;
function passes(l) {
  const least = $('level').value, category = $('category').value, component = $('component').value, words = $('words').value.toLowerCase();
  return (least === '' || rankOf(l) >= Number(least)) && (!category || l.category === category) && (!component || l.component === component) &&
    (!words || (l.text + ' ' + l.node + ' ' + l.component).toLowerCase().includes(words));
}
function lineOf(l) {
  const p = make('p', { class: 'l' + rankOf(l) });
  p.append(make('span', { class: 'at' }, (l.time ? clock(l.time) : '--:--:--') + ' '), make('span', { class: 'who' }, [l.component, l.node].filter(Boolean).join(' ') + ' '),
    ...(rankOf(l) === 1 ? [] : [make('b', {}, l.level + ' ')]), l.text);
  return p;
}
function drawLog() {
  if (!fresh.length) return;
  const log = $('log');
  for (const [id, key] of [['category', 'category'], ['component', 'component']]) {
    const there = new Set([...$(id).options].map(o => o.value));
    for (const l of fresh) if (l[key] && !there.has(l[key])) { there.add(l[key]); $(id).append(make('option', { value: l[key] }, l[key])); }
  }
  log.append(...fresh.filter(passes).slice(-shownMost).map(lineOf));
  fresh = [];
  while (log.childElementCount > shownMost) log.firstElementChild.remove();
  afterLog();
}
function filterLog() {
  fresh = [];
  $('log').replaceChildren(...lines.filter(passes).slice(-shownMost).map(lineOf));
  afterLog();
}
function afterLog() {
  const log = $('log'), fit = lines.filter(passes).length;
  if ($('follow').checked) log.scrollTop = log.scrollHeight;
  put('log-words', fit === lines.length ? `${lines.length} lines, the last of each log` : `${fit} of ${lines.length} lines`);
}
for (const id of ['level', 'category', 'component']) $(id).addEventListener('change', filterLog);
$('words').addEventListener('input', filterLog);
$('follow').addEventListener('change', afterLog);

// ── The end ──

async function showReport() {
  reported = true;
  try {
    const answer = await fetch('report', { headers: { Authorization: 'Bearer ' + token }, cache: 'no-store' });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    const text = await answer.text();
    $('report').href = URL.createObjectURL(new Blob([text], { type: 'text/html' }));
    $('shown').srcdoc = text;
    $('end').hidden = false;
  } catch (error) { job.trouble = [...job.trouble, 'report.html: ' + error.message]; drawHead(); }
}

// ── The view ──

function remember(key, value) { try { localStorage.setItem('hpcbench-' + key, value); } catch { /* private windows keep nothing */ } }
function recall(key) { try { return localStorage.getItem('hpcbench-' + key) ?? ''; } catch { return ''; } }
function paint() { const theme = $('theme').value; if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme; }
$('theme').value = recall('theme');
if (!$('theme').value) $('theme').value = '';
paint();
$('theme').addEventListener('change', () => { paint(); remember('theme', $('theme').value); });
$('range').addEventListener('change', draw);
window.addEventListener('resize', soon);

forget();
draw();
connect();
