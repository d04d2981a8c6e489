package prompt

// words is 256 common English words, one for each value of a byte.
var words = [256]string{
	"able", "above", "acid", "across", "act", "add", "after", "again", "age", "ago", "air", "all",
	"also", "always", "amount", "and", "animal", "answer", "any", "apple", "area", "arm", "army", "art",
	"ask", "away", "baby", "back", "bad", "ball", "bank", "base", "bath", "bear", "beat", "bed",
	"before", "begin", "bell", "best", "big", "bill", "bird", "black", "block", "blood", "blow", "blue",
	"board", "boat", "body", "bone", "book", "born", "both", "box", "boy", "bread", "break", "bring",
	"broke", "brown", "build", "burn", "busy", "buy", "call", "came", "camp", "can", "car", "card",
	"care", "carry", "case", "cat", "cause", "cell", "chair", "chance", "change", "check", "child", "church",
	"city", "claim", "class", "clean", "clear", "climb", "clock", "close", "cloud", "coast", "coat", "cold",
	"color", "come", "cook", "cool", "copper", "copy", "corn", "cost", "count", "country", "cover", "cow",
	"cross", "crowd", "cry", "cup", "current", "cut", "dance", "dark", "date", "day", "dead", "deal",
	"dear", "deep", "desk", "did", "die", "dog", "door", "double", "down", "draw", "dream", "dress",
	"drink", "drive", "drop", "dry", "duck", "dust", "each", "ear", "early", "earth", "east", "easy",
	"eat", "edge", "egg", "eight", "end", "enemy", "engine", "enough", "enter", "equal", "even", "event",
	"ever", "every", "eye", "face", "fact", "fair", "fall", "family", "famous", "far", "farm", "fast",
	"fat", "father", "favor", "fear", "feed", "feel", "feet", "fell", "few", "field", "fight", "figure",
	"fill", "final", "find", "fine", "finger", "finish", "fire", "first", "fish", "five", "flat", "floor",
	"flow", "flower", "fly", "follow", "food", "foot", "force", "forest", "form", "forward", "four", "free",
	"fresh", "friend", "front", "fruit", "full", "fun", "game", "garden", "gas", "gave", "general", "gentle",
	"get", "girl", "give", "glad", "glass", "go", "goat", "gold", "good", "got", "govern", "grand",
	"grass", "gray", "great", "green", "grew", "ground", "group", "grow", "guess", "guide", "gun", "had",
	"hair", "half", "hand", "happen", "happy", "hard", "hat", "have", "head", "hear", "heart", "heat",
	"heavy", "held", "help", "her",
}
