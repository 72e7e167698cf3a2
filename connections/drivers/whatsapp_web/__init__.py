"""WhatsApp Web in a real Chromium, driven through Selenium: one browser with a profile of its own for each number.

`bridge.js` runs in the page beside the unmodified wa-js bundle. `browser.py` starts the browser and injects both;
`event_queue.py` orders and deduplicates the page's events; `translate.py` converts them to events of the driver
contract; `state_monitor.py` derives the session's state; `commands.py` sends and downloads; `profile.py` keeps the
login; `processes.py` ends browsers whose worker has died; `capabilities.py` detects features that an update of WhatsApp
has broken; `resource_usage.py` measures the browser; `driver.py` combines them.
"""
