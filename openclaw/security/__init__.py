"""Who may connect, as whom and with which rights; sockets, HTTP and engines live elsewhere."""
