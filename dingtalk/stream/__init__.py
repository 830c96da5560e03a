"""
Stream mode: DingTalk's events over websockets that we open, into the same inbox as callbacks.

`manage.py stream` runs `service.StreamService`, which has one `suite_runner.SuiteRunner` for each suite of
this push mode. Of all machines one holds a suite's lease (`leadership`) and its connection (`connection`);
a frame is acknowledged once it is stored (`receiving`). `connection` alone needs the packages of the extra.
"""
