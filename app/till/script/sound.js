/* Sound, beside shape and colour. */
function beep(kind) {
  var Sound = window.AudioContext || window.webkitAudioContext;
  if (!Sound) {
    return;
  }
  sounds = sounds || new Sound();
  if (sounds.state === 'suspended') {
    sounds.resume();
  }
  var notes = { good: [[880, 0, 0.1], [1320, 0.11, 0.18]], bad: [[200, 0, 0.18], [200, 0.24, 0.3]], ask: [[660, 0, 0.12]] }[kind];
  notes.forEach(function (note) {
    var tone = sounds.createOscillator(), volume = sounds.createGain(), at = sounds.currentTime + note[1];
    tone.type = kind === 'bad' ? 'square' : 'sine';
    tone.frequency.value = note[0];
    volume.gain.setValueAtTime(kind === 'bad' ? 0.12 : 0.25, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + note[2]);
    tone.connect(volume);
    volume.connect(sounds.destination);
    tone.start(at);
    tone.stop(at + note[2]);
  });
}
