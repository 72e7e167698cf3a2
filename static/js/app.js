// Loaded by every page. A page's own module imports what it needs from the same files.

import "./theme.js";
import "./toasts.js";
import "./times.js";
import "./confirm.js";
import "./pages.js";
import "./shortcuts.js";
import "./unread.js";
import "./live.js";
