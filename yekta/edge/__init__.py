"""The ways in, one module per door: `native` WebSocket, `socketio`, `rest`; `site` tells them apart on each port."""
