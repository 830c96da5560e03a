"""The events feed: what DingTalk told us of the companies that an app covers, in order and resumable."""
