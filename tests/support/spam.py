"""Spam: what bots write under live shows, in four languages, and the ways in which they hide it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

#: each tells of a way to take money or people elsewhere, or insults somebody; written for the tests
SPAM = """
add me on telegram @sara_deals for cheap phones
whatsapp me for wholesale price
text me on whatsapp, I sell the same for half
earn money from home, 500 a day, ask me how
I make money online every day, you can too
make money fast with no risk
free bitcoin for the first 100 people
double your bitcoin in one hour, trust me
best forex signals, join my group
guaranteed profit every week
hot singles in your area tonight
check my profile for surprise pics
visit my profile, I have a gift for you
link in my bio girls
click the link in my bio
cheap followers, 1000 for 5 dollars
buy followers here, real people
you have won a prize, answer now
claim your prize before midnight
free iphone for everyone who writes me
get your free gift card today
online casino with free spins, play now
viagra without prescription
cheap replica watches, best quality
payday loan in ten minutes
fuck this shop
you stupid bitch
go die, all of you
kill yourself
加微信 vip8888 送福利
加我微信领取优惠券
加v信 有惊喜
有兴趣的私聊我 包邮
兼职日结 一天三百 在家就能做
刷单返现 稳赚不亏
月入过万 不是梦
躺赚项目 今晚最后名额
高仿包包 支持验货
同城约 安全可靠
裸聊 看我头像
彩票计划 跟着我赚
贷款秒批 无需征信
免费领取红包 点我头像
点击领取 大礼包
博彩平台 开户送彩金
主播是傻逼
你妈死了
全是骗子
écris-moi sur whatsapp pour le même moins cher
ajoute-moi sur telegram, petit prix
argent facile depuis chez toi
revenus passifs garantis, demande-moi
casino en ligne, tours gratuits
lien dans ma bio les filles
va voir mon profil
vous avez gagné un téléphone
iphone gratuit pour les 50 premiers
prêt rapide sans papiers
quelle connasse
ta gueule la vendeuse
nique ta mère
pisz na whatsapp, mam taniej
dodaj mnie na telegramie po rabat
zarób szybko bez wychodzenia z domu
łatwe pieniądze, napisz do mnie
szybka pożyczka bez bik
kasyno online, darmowe spiny
link w bio kochani
wejdź na mój profil
wygrałeś nagrodę, odezwij się
darmowy iphone dla każdego
kurwa co za sklep
spierdalaj
stara pizda
cheaper at best-deals.shop
same thing on www.megastore.ru
go to t.me/superdeals
http://win-now.xyz/free
buy here superdeal dot com
superdeal (.) com half price
megastore。cn 更便宜
tani-sklep kropka pl
""".strip().splitlines()

_ALIKE = str.maketrans("aceoipxysABCEHKMOPTXi", "асеоірхуѕАВСЕНКМОРТХі")  # Cyrillic
_LEET = str.maketrans("aeios", "43105")


def _wide(text: str, chance: Random) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def _alike(text: str, chance: Random) -> str:
    return "".join(each.translate(_ALIKE) if chance.random() < 0.5 else each for each in text)


def _leet(text: str, chance: Random) -> str:
    return text.translate(_LEET)


def _gaps(text: str, chance: Random) -> str:
    return " ".join("".join(f"{each}{chance.choice(' .-_*')}" for each in word)[:-1] for word in text.split(" "))


def _unseen(text: str, chance: Random) -> str:
    return "".join(each + chance.choice(["", "\u200b", "\u00ad", "\u2060"]) for each in text)


def _stretched(text: str, chance: Random) -> str:
    return "".join(each * chance.choice([1, 1, 1, 3]) if each.isalpha() else each for each in text)


def _marked(text: str, chance: Random) -> str:
    return "".join(
        each + ("\u0301" if each.isascii() and each.isalpha() and chance.random() < 0.4 else "") for each in text
    )


def _shouted(text: str, chance: Random) -> str:
    return text.upper() + " " + chance.choice("🔥💰🎁❤") * 3


def _as_it_is(text: str, chance: Random) -> str:
    return text


EVASIONS: tuple[Callable[[str, Random], str], ...] = (
    _as_it_is, _wide, _alike, _leet, _gaps, _unseen, _stretched, _marked, _shouted,
)  # fmt: skip
#: what of it leaves an address one: a stretched or spaced one leads nowhere
OF_LINKS = (_as_it_is, _wide, _unseen, _shouted)
