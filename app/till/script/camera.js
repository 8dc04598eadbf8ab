/* The camera, where the browser reads codes itself. */
function openCamera() {
  var video = make('video'), stream = null, isOver = false;
  video.muted = true;
  video.setAttribute('playsinline', '');
  openSheet(T.cameraTitle, [video]);
  stopCamera = function () {
    isOver = true;
    stopCamera = null;
    if (stream) {
      stream.getTracks().forEach(function (track) {
        track.stop();
      });
    }
  };
  navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(function (opened) {
    stream = opened;
    if (isOver) {
      opened.getTracks().forEach(function (track) {
        track.stop();
      });
      return null;
    }
    video.srcObject = opened;
    return video.play();
  }).then(function () {
    var detector = new window.BarcodeDetector({ formats: ['qr_code', 'ean_13', 'code_128'] });
    (function look() {
      if (isOver) {
        return;
      }
      detector.detect(video).then(function (codes) {
        if (codes.length && !isOver) {
          closeSheet();
          scanCode(codes[0].rawValue);
        } else {
          setTimeout(look, 180);
        }
      }, function () {
        setTimeout(look, 500);
      });
    }());
  }).catch(function () {
    if (!isOver) {
      closeSheet();
      refuse({ type: 'no-camera' });
    }
  });
}
