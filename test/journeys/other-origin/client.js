// Speaks to a backend on another origin with the means and the headers of the original React client: fetch with a
// bearer token, text fields of data URLs, plain <img> and <video> loads, hls.js, one WebSocket.

const PIECE_BYTES = 2 ** 20;

globalThis.client = {
  backend: '',
  token: 'decryptedAccessToken',
  frames: [],

  get(path) {
    return request(path, { method: 'GET', headers: { 'Content-Type': 'application/json' } });
  },

  postJson(path, body) {
    const headers = { 'Content-Type': 'application/json' };
    return request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  },

  postForm(path, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return request(path, { method: 'POST', headers: {}, body });
  },

  /** A picture as the client makes one: out of a canvas. */
  draw(colour) {
    const canvas = document.createElement('canvas');
    canvas.width = 300;
    canvas.height = 200;
    const context = canvas.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 300, 200);
    return canvas.toDataURL('image/png');
  },

  /** Sends the file of the page's input in pieces and answers the id of the video. */
  async sendFile(filename) {
    const [file] = document.querySelector('input').files;
    let id;
    for (let at = 0; at <= file.size; at += PIECE_BYTES) {
      const piece = new Blob([file.slice(at, at + PIECE_BYTES)], { type: 'application/octet-stream' });
      const chunk = await readDataUrl(piece);
      const { body } = await client.postForm('/api/posts/post/add/media/video/', { filename, chunk });
      id = body.id;
    }
    return id;
  },

  listen() {
    const socket = new WebSocket(`${client.backend.replace('http', 'ws')}/ws/posts/likes/`);
    socket.addEventListener('message', ({ data }) => client.frames.push(JSON.parse(data)));
    return settle(socket, { open: 'open', error: 'refused' });
  },

  async showPicture(path) {
    const image = document.querySelector('img');
    const shown = settle(image, { load: 'shown', error: 'broken' });
    image.src = client.backend + path;
    return shown;
  },

  async openFile(path) {
    const video = document.querySelector('video');
    const opened = settle(video, { loadeddata: 'opened', error: 'broken' });
    video.src = client.backend + path;
    return opened;
  },

  /** Plays by hls.js and answers the heights of its levels once a frame is on the screen. */
  async playStream(path) {
    const video = document.querySelector('video');
    video.removeAttribute('src');
    const hls = new Hls();
    const failed = new Promise((_resolve, reject) => {
      hls.on(Hls.Events.ERROR, (_event, data) => data.fatal && reject(new Error(data.details)));
    });
    hls.loadSource(client.backend + path);
    hls.attachMedia(video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    await Promise.race([new Promise((resolve) => video.requestVideoFrameCallback(resolve)), failed]);
    return hls.levels.map(({ height }) => height);
  },
};

async function request(path, init) {
  const headers = { ...init.headers, Authorization: `Bearer ${client.token}` };
  const response = await fetch(client.backend + path, { ...init, headers });
  return { status: response.status, body: await response.json() };
}

function readDataUrl(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(reader.result));
    reader.readAsDataURL(blob);
  });
}

function settle(target, outcomes) {
  return new Promise((resolve) => {
    for (const [event, outcome] of Object.entries(outcomes)) {
      target.addEventListener(event, () => resolve(outcome), { once: true });
    }
  });
}
