"""What clients of the guide's examples say and read, for `Stage.perform`."""

from __future__ import annotations

SCRIPTS = {
    "events": """
        A> 0
        A< 0{"sid":"<a>"}
        A> 21["add",1,2]
        A< 31[3]
        A> 22["divide",7,2]
        A< 32[3,1]
        A> 23["note","today"]
        A< 33["water the plants"]
        A> 24["note","tomorrow"]
        A< 34[null]
        A> 25["think",0.01]
        A> 26["add",2,2,"one too many"]
        A< 35["done"]
        A< 36[4]
        A> 2["quiz"]
        A< 21["question","6 × 7?"]
        A> 31[42]
        A< 2["result",true]
        A> 27["first"]
        A< 37[8]
        A> 28["first"]
        A> 25["think",0.01]
        A> 26["add",1,1]
        A> 1
        A< 35["done"]
        A< 36[2]
    """,
    "rooms": """
        A> 0{"name":"ada"}
        A< 0{"sid":"<a>"}
        B> 0{"name":"bob"}
        B< 0{"sid":"<b>"}
        A> 2["sit down","tea"]
        A> 20["who sits there","tea"]
        A< 30[["ada"]]
        B> 2["sit down","tea"]
        A< 2["guest","bob"]
        B> 2["say","tea","hello"]
        A< 2["said","hello"]
        B< 2["said","hello"]
        A> 2["point","tea",1,2]
        B< 2["pointed",1,2]
        B> 2["sit down","quiet"]
        B> 29["who sits there","quiet"]
        B< 39[["bob"]]
        A> 2["announce","cake"]
        A< 2["announced","cake"]
        A> 21["who is hungry","tea"]
        A< 21["hungry?"]
        B< 21["hungry?"]
        B> 31["me"]
        B> 29["who sits there","quiet"]
        B< 39[["bob"]]
        A> 31["me too"]
        A< 31[["me","me too"]]
        A> 22["who sits there","tea"]
        A< 32[["ada","bob"]]
        A> 2["merge","tea","coffee"]
        A> 23["who sits there","tea"]
        A< 33[[]]
        B> 24["who sits there","coffee"]
        B< 34[["ada","bob"]]
        B> 2["closing time"]
        A< 1
        B< 1
    """,
    "namespaces": """
        A> 0
        A< 0{"sid":"<a>"}
        A< 2["welcome to","/"]
        A> 0/socket.io/,
        A< 0/socket.io/,{"sid":"<b>"}
        A< 2/socket.io/,["welcome to","/"]
        A> 0/chat,
        A< 0/chat,{"sid":"<c>"}
        A< 2/chat,["welcome to","/chat"]
        A> 0/day-7,
        A< 0/day-7,{"sid":"<d>"}
        A< 2/day-7,["welcome to","/day-7"]
        A> 0/day-x,
        A< 4/day-x,{"message":"Invalid namespace"}
        A> 0/project/garden,{"key":"rose"}
        A< 0/project/garden,{"sid":"<e>"}
        A< 2/project/garden,["welcome to","/project/garden"]
        B> 0/project/garden,{"key":"thistle"}
        B< 4/project/garden,{"message":"wrong key"}
        B> 0/project/mars,{"key":null}
        B< 4/project/mars,{"message":"Invalid namespace"}
    """,
    "middlewares": """
        A> 0
        A< 4{"message":"not authorized","data":{"login":"/login"}}
        A> 0{"token":"s3cret"}
        A< 0{"sid":"<a>"}
        A> 21["who am I"]
        A< 31["ada"]
        A> 22["admin:count"]
        A< 32[1]
        B> 0{"token":"hidden"}
        B< 0{"sid":"<b>"}
        B> 21["admin:count"]
        B< 2["not allowed","admin:count"]
        B> 22["who am I"]
        B< 32["eve"]
    """,
    "recovery": """
        A> 0{"recover":true}
        A< 0{"sid":"<a>","pid":"<p>"}
        A> 21["publish","one"]
        A< 2["article","one","<first>"]
        A< 31[1]
        A!
        B> 0
        B< 0{"sid":"<b>"}
        B> 2["publish","two"]
        B< 2["article","two"]
        C> 0{"pid":"<p>","offset":"<first>"}
        C< 0{"sid":"<a>","pid":"<p>"}
        C< 2["article","two","<second>"]
        C> 22["publish","three"]
        C< 2["article","three","<third>"]
        C< 32[2]
        D> 0{"pid":"<p>","offset":"<first>","recover":true}
        D< 0{"sid":"<a>","pid":"<p>"}
        D< 2["article","two","<second>"]
        D< 2["article","three","<third>"]
        C.
    """,
    "parsers": """
        A> {"type":0,"nsp":"/"}
        A< {"type": 0, "nsp": "/", "data": {"sid": "<a>"}, "id": null}
        A> {"type":2,"nsp":"/","data":["message","سلام"]}
        A< {"type": 2, "nsp": "/", "data": ["message", "\\u0633\\u0644\\u0627\\u0645"], "id": null}
        A> 42["message"]
        A.
    """,
    "binary": """
        A> 0
        A< 0{"sid":"<a>"}
        A> 51-7["upload","x.bin",{"_placeholder":true,"num":0}]
        A> b:010203
        A< 51-["preview",{"name":"x.bin","begins":{"_placeholder":true,"num":0}}]
        A< b:0102
        A< 37[{"size":3,"sha256":"039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}]
        A> 55-["upload"]
        A.
    """,
}
