/** Stands for a password. */
const HIDDEN = "***";

/** What stands before the host in a URL, behind the name of the user: `rtsp://admin:secret@camera.local/`. */
const OF_URL = /([a-z][a-z0-9+.-]*:\/\/[^\s/?#:"']*):[^\s/?#"']*@/gi;

/** What is asked of a server, or told to an element of GStreamer: `?user=admin&password=secret`, `user-pw=secret`. */
const OF_NAME = /\b((?:[\w-]*[_-])?(?:password|passwd|pass|pwd|pw|token|secret)=)(?:"[^"]*"|[^\s&"']+)/gi;

/** A text without the passwords in it: a URL, a command, what a program has said. */
export function withoutPasswords(text: string): string {
  return text.replace(OF_URL, `$1:${HIDDEN}@`).replace(OF_NAME, `$1${HIDDEN}`);
}
