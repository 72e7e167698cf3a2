"""Files of messages: taken in (checked by content, cleaned, measured), kept, and handed out."""
