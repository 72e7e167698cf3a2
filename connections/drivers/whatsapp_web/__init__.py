"""WhatsApp Web in a real Chromium, driven through Selenium: one browser with a profile of its own for each number.

`bridge.js` runs in the page beside the unmodified wa-js bundle; `browser.py` starts the browser and puts both into it;
`feed.py` takes what the page tells; `translate.py` turns it into the contract's words; `watch.py` says how the session
is doing; `post.py` sends and fetches; `profile.py` keeps the login; `processes.py` makes sure that no browser outlives
its worker; `canary.py` notices what an update of WhatsApp has broken; `driver.py` ties them together.
"""
