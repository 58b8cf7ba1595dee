// Shows the data of the backend, and asks for it again as long as the page is visible. All texts go
// through `textContent`: whatever a script says stays text.
'use strict';

const $ = id => document.getElementById(id);
const BUSY_MS = 500, IDLE_MS = 1500, LOST_MS = 3000;
const SOUNDS = ['m4a', 'wav'], IMAGES = ['jpg', 'png'];

const node = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
// Changes nothing that is as it should be, so that a selection and a screen reader are left alone.
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
const setHidden = (element, hidden) => { if (element.hidden !== hidden) element.hidden = hidden; };

const amount = number => number.toLocaleString('en', { maximumFractionDigits: 2 });
const clock = at => at ? new Date(at).toLocaleTimeString('en-GB') : '';
const length = seconds => {
  const all = Math.floor(seconds), two = number => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return (hours ? `${hours}:${two(minutes)}` : minutes) + ':' + two(all % 60);
};
const size = bytes => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const count = (number, one) => `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`;

// Makes the children of a list those of the items, by their keys, and moves none without need.
const sync = (list, items, keyOf, create, update) => {
  const wanted = new Set(items.map(item => String(keyOf(item)))), old = new Map();
  for (const child of [...list.children]) {
    const key = child.dataset.key;
    if (wanted.has(key) && !old.has(key)) old.set(key, child);
    else child.remove();
  }
  let next = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = old.get(key);
    old.delete(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else list.insertBefore(child, next);
  }
};

const showSessions = data => {
  sync($('sessions'), data.sessions, it => it.id, it => {
    const item = node('li'), link = node('a');
    link.href = '#' + encodeURIComponent(it.id);
    link.append(node('span', 'name'), node('span', 'busy', 'working'), node('span', 'facts'));
    item.append(link);
    return item;
  }, (item, it) => {
    const link = item.firstChild, [name, busy, facts] = link.children;
    setText(name, it.name || 'unnamed');
    setHidden(busy, !it.is_busy);
    const parts = [clock(it.at).slice(0, 5), it.renders ? count(it.renders, 'render') : '', it.account];
    setText(facts, parts.filter(Boolean).join(' · '));
    if (data.shown && data.shown.id === it.id) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  });
  more('more-sessions', data.more_sessions, 'session');
  setHidden($('follow'), !picked());
};

const more = (id, number, one) => {
  setHidden($(id), !number);
  setText($(id), `and ${count(number, `older ${one}`)}`);
};

const showAccounts = data => {
  sync($('accounts'), data.accounts, it => it.name, () => {
    const row = node('tr');
    row.append(node('td'), node('td'), node('td'), node('td'));
    return row;
  }, (row, it) => {
    [it.name, amount(it.available), amount(it.frozen), amount(it.taken)]
      .forEach((text, at) => setText(row.children[at], text));
  });
  more('more-accounts', data.more_accounts, 'account');
};

const dark = matchMedia('(prefers-color-scheme: dark)');
let timeline = null, drawn = '';
const drawTimeline = () => {
  const [image, caption] = $('timeline').children;
  setHidden(caption, !!timeline);
  if (!timeline) {
    drawn = '';
    return setHidden(image, true);
  }
  const width = Math.max(320, Math.floor($('timeline').clientWidth / 40) * 40);
  const theme = dark.matches ? 'dark' : 'light';
  const source = `/watch/${timeline.id}/timeline.svg?width=${width}&theme=${theme}&v=${timeline.version}`;
  if (drawn === source) return;
  drawn = source;
  const next = node('img');
  next.alt = timeline.summary;
  next.src = source;
  // The image before stays until this one is there, and is tried again if that fails.
  next.decode().then(
    () => { if (drawn === source) $('timeline').firstElementChild.replaceWith(next); },
    () => { if (drawn === source) drawn = ''; },
  );
};

// What plays: the newest file, or the one that was chosen.
let playing = null, chosen = null;
const clearPlayer = () => {
  const old = $('player').firstChild;
  if (old && old.pause) {
    old.pause();
    // A browser keeps a video for as long as it has a track that is read.
    for (const track of [...old.children]) {
      track.track.mode = 'disabled';
      track.removeAttribute('src');
      track.remove();
    }
    old.removeAttribute('src');
    old.load();
  }
  $('player').replaceChildren();
  playing = null;
};
const play = (session, it) => {
  const key = `${session}/${it.n}`;
  if (playing === key) return;
  clearPlayer();
  playing = key;
  const source = `/watch/${key}/file`;
  if (IMAGES.includes(it.format)) {
    const image = node('img');
    image.alt = it.name;
    image.src = source;
    return $('player').append(image);
  }
  const isSound = SOUNDS.includes(it.format), media = node(isSound ? 'audio' : 'video');
  media.controls = media.playsInline = true;
  media.preload = 'metadata';
  media.src = source;
  $('player').append(media);
  if (it.has_subtitles) {
    const track = node('track');
    track.kind = 'captions';
    track.label = 'Captions';
    track.src = `/watch/${key}/subtitles.vtt`;
    media.append(track);
    // A video that has its captions in the picture needs them twice only on request.
    track.track.mode = it.is_captioned || isSound ? 'hidden' : 'showing';
    if (isSound) {
      const caption = node('p');
      track.track.addEventListener('cuechange', () => {
        const texts = [...track.track.activeCues].map(cue => cue.getCueAsHTML().textContent);
        setText(caption, texts.join('\n'));
      });
      $('player').append(caption);
    }
  }
};
const mediaShown = () => $('player').querySelector('video, audio');

const showRenders = shown => {
  const newest = [...shown.renders].reverse();
  const done = newest.filter(it => it.name !== null);
  if (chosen && !chosen.startsWith(shown.id + '/')) chosen = null;
  const wanted = chosen && done.find(it => `${shown.id}/${it.n}` === chosen);
  const media = mediaShown();
  const isWatched = playing && playing.startsWith(shown.id + '/') && media && !media.paused && !media.ended;
  if (wanted) play(shown.id, wanted);
  else if (!done.length) clearPlayer();
  else if (!isWatched) play(shown.id, done[0]);

  sync($('renders'), newest, it => `${shown.id}/${it.n}`, it => {
    const item = node('li'), buttons = node('span', 'do');
    const show = node('button', '', IMAGES.includes(it.format) ? 'Show' : 'Play'), link = node('a', 'button', 'Download');
    show.type = 'button';
    show.addEventListener('click', () => {
      chosen = item.dataset.key;
      play(shown.id, item.render);
      if (mediaShown()) mediaShown().play().catch(() => {});
      markPlaying();
    });
    link.href = `/watch/${shown.id}/${it.n}/file`;
    buttons.append(show, link);
    const facts = node('span', 'facts');
    facts.append(node('b'), node('span', 'quiet'));
    item.append(facts, buttons, node('progress'), node('p', 'error'));
    item.children[2].max = 100;
    return item;
  }, (item, it) => {
    item.render = it;
    const [facts, buttons, progress, error] = item.children;
    const isActive = it.status === 'pending' || it.status === 'processing';
    const states = { pending: 'Waiting', processing: `Rendering ${Math.floor(it.progress)}%`, failed: 'Failed', cancelled: 'Cancelled' };
    setText(facts.firstChild, `Render ${it.n + 1}`);
    const parts = [it.format.toUpperCase(), states[it.status], it.seconds === null ? '' : length(it.seconds), it.size === null ? '' : size(it.size), clock(it.at)];
    setText(facts.lastChild, parts.filter(Boolean).join(' · '));
    setHidden(buttons, it.name === null);
    if (it.name !== null) buttons.lastChild.download = it.name;
    setHidden(progress, !isActive);
    if (progress.value !== it.progress) progress.value = it.progress;
    progress.setAttribute('aria-label', `Progress of render ${it.n + 1}`);
    setHidden(error, !it.error);
    setText(error, it.error || '');
  });
  markPlaying();
  setHidden($('no-renders'), newest.length > 0);
};
const markPlaying = () => {
  for (const item of $('renders').children) {
    item.children[1].firstChild.setAttribute('aria-pressed', String(item.dataset.key === playing));
  }
};

// A reader who has scrolled up is left there.
let talkOf = null, isFollowing = true, knownSize = '';
const sizeOf = list => `${list.clientHeight}/${list.scrollHeight}`;
const follow = () => {
  const list = $('entries');
  knownSize = sizeOf(list);
  if (isFollowing) list.scrollTop = list.scrollHeight;
};
$('entries').addEventListener('scroll', () => {
  const list = $('entries');
  // The window was resized, which is no wish of the reader.
  if (knownSize !== sizeOf(list)) return follow();
  isFollowing = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
});
const showTalk = (shown, name) => {
  const list = $('entries');
  if (talkOf !== shown.id) {
    list.replaceChildren();
    isFollowing = true;
  }
  talkOf = shown.id;
  setText($('talk-name'), name);
  setHidden($('omitted'), !shown.omitted);
  setText($('omitted'), `${count(shown.omitted, 'older entry').replace('entrys', 'entries')} not kept`);
  sync(list, shown.entries, it => it.n, it => {
    const item = node('div', it.kind), time = node('time', '', clock(it.at));
    time.dateTime = new Date(it.at).toISOString();
    const text = node('div', 'text');
    text.dir = 'auto';
    item.append(text, time);
    return item;
  }, (item, it) => {
    const tool = it.ok === undefined ? '…' : it.ok ? ' ✓' : ' ✗';
    setText(item.firstChild, it.kind === 'tool' ? it.text + tool : it.text);
  });
  setHidden($('no-entries'), shown.entries.length > 0);
  setHidden($('working'), !shown.is_open);
  follow();
};

const show = data => {
  setText($('url'), data.url);
  setText($('command'), `cargo run --release --example voiceover -- --api ${data.url}`);
  setText($('variable'), `export NEMO_API_URL=${data.url}`);
  setHidden($('empty'), data.sessions.length > 0);
  setHidden($('board'), !data.sessions.length);
  showAccounts(data);
  showSessions(data);
  const shown = data.shown;
  if (!shown) return clearPlayer();
  const session = data.sessions.find(it => it.id === shown.id);
  timeline = shown.timeline && { id: shown.id, ...shown.timeline };
  drawTimeline();
  showRenders(shown);
  showTalk(shown, session ? session.name : '');
  isBusy = data.sessions.some(it => it.is_busy);
};

const setState = (name, text) => {
  $('state').className = name;
  setText($('state'), text);
};

const picked = () => location.hash.slice(1);
let known = {}, isBusy = false, timer = 0, isAsking = false, isStale = false;
const ask = async () => {
  if (isAsking) {
    isStale = true;
    return;
  }
  clearTimeout(timer);
  // Nobody looks: the next request is sent when somebody does.
  if (document.hidden) return;
  isAsking = true;
  let pause = LOST_MS;
  try {
    const url = '/watch/data' + (picked() ? '?session=' + encodeURIComponent(picked()) : '');
    const headers = known.url === url ? { 'If-None-Match': known.tag } : {};
    const response = await fetch(url, { headers, cache: 'no-store', signal: AbortSignal.timeout(10000) });
    if (response.status !== 304) {
      if (!response.ok) throw new Error(`status ${response.status}`);
      show(await response.json());
      known = { url, tag: response.headers.get('ETag') };
    }
    setState('live', 'Live');
    pause = isBusy ? BUSY_MS : IDLE_MS;
  } catch (error) {
    known = {};
    setState('lost', 'Connection lost, trying again');
    console.warn(error);
  }
  isAsking = false;
  if (isStale) pause = 0;
  isStale = false;
  timer = setTimeout(ask, pause);
};

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const code = $(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}
addEventListener('hashchange', ask);
document.addEventListener('visibilitychange', ask);
dark.addEventListener('change', drawTimeline);
new ResizeObserver(drawTimeline).observe($('timeline'));
new ResizeObserver(follow).observe($('entries'));
ask();
