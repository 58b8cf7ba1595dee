# As in `abbreviations.en`, for Spanish.
title = sr sra sres sras srta srtas d dña dr dra dres prof profa lic ing arq gral cnel cap tte mons
title = sto sta san fr p._ej p.ej ej vs cf av avda c/ pza ee ff cc jj rr excmo excma ilmo ilma rvdo
title = aprox esp
number = pág págs p pp núm núms n nº art arts cap caps vol vols fig figs tel tfno ext cód aprox lám
number = tít t ed párr ap apdo km ene feb mar abr may jun jul ago sep sept oct nov dic
open = ud uds vd vds cía admón depto dpto st
end = etc uu aa oo a._c d._c a.c d.c a._m p._m a.m p.m s.a s._a s.l hnos máx mín jr ee.uu
starts = el la los las un una unos unas lo él ella ellos ellas yo tú nosotros y pero o en de del con
starts = por para a al desde hasta sin sobre entre cuando si como porque que qué quién cómo dónde
starts = cuándo este esta estos estas ese esa esos esas aquel aquella no sí hoy ayer mañana ahora
starts = luego después antes entonces también además allí aquí así todo todos toda todas cada mi tu
starts = su nuestro nuestra mis tus sus se me te nos les es era fue son hay nadie según véase vea
joins = el la los las un una unos unas de del a al en con por para y e o u ni que si como desde
joins = hasta sin sobre entre se me te nos le les lo su sus mi mis tu tus es son era fue muy más no
compounds = ex anti físico económico socio político
pairs = y o e u
