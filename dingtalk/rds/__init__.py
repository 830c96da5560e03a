"""
RDS mode: DingTalk writes rows into a MySQL database of ours, and we read them.

The rows are those of SyncHTTP. Each becomes a received push of its own; what follows is the same for both.
Source: open.dingtalk.com, "configure-rds-push-table", "development-data-format-help"
"""
