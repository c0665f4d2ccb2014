* A cell that keeps its voltage, and the converters of freepdk45.

* Gain cell. mw, of thick oxide, writes. The switches mpx and mnx are at the supplies: an idle read
* transistor has source and drain at the bit line's voltage, so its gate has no channel to tunnel to.
.subckt cell bl wl wlb wbl wwl s vdd vss
mw wbl wwl s vss NMOS_THKOX w={w_write} l={l_write}
cs s vss {c_store}
mpx p wlb vdd vdd PMOS_VTH w={w_switch} l={l_min}
mp bl s p vdd PMOS_VTH w={w_readp} l={l_read}
mn bl s n vss NMOS_VTH w={w_readn} l={l_read}
mnx n wl vss vss NMOS_VTH w={w_switch} l={l_min}
.ends

.subckt inverter a y vdd vss
mp y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mn y a vss vss NMOS_VTG w={w_logicn} l={l_min}
.ends

.subckt switch a b on onb vdd vss
mn a on b vss NMOS_VTG w={w_logicn} l={l_min}
mp a onb b vdd PMOS_VTG w={w_logicp} l={l_min}
.ends

.subckt nand2 a b y vdd vss
mpa y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpb y b vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mna y a n vss NMOS_VTG w={2*w_logicn} l={l_min}
mnb n b vss vss NMOS_VTG w={2*w_logicn} l={l_min}
.ends

.subckt nand3 a b c y vdd vss
mpa y a vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpb y b vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mpc y c vdd vdd PMOS_VTG w={w_logicp} l={l_min}
mna y a n vss NMOS_VTG w={2*w_logicn} l={l_min}
mnb n b m vss NMOS_VTG w={2*w_logicn} l={l_min}
mnc m c vss vss NMOS_VTG w={2*w_logicn} l={l_min}
.ends

* Reset ties the bit line to vmid, and the first inverter to its own trip point, which c_zero keeps:
* that takes its offset away.
.subckt comparator bl reset resetb above vmid vdd vss
mresetn bl reset vmid vss NMOS_VTG w={w_reset} l={l_min}
mresetp bl resetb vmid vdd PMOS_VTG w={w_resetp} l={l_min}
czero bl x {c_zero}
mzeron x reset z1 vss NMOS_VTG w={w_zero} l={l_min}
mzerop x resetb z1 vdd PMOS_VTG w={w_zerop} l={l_min}
mp z1 x vdd vdd PMOS_VTG w={w_comparep} l={l_compare}
mn z1 x vss vss NMOS_VTG w={w_comparen} l={l_compare}
xz2 z1 above vdd vss inverter
.ends

* HardSigmoid. The bit line integrates on c_score. From hold on a current lifts the bit line, and c_step has set it back a little: the
* comparator starts from a clear answer. Pulse and current end when the line is where reset left it,
* the current not before conv. A converter without charge says by "done" when pulses may begin.
.subckt score_converter bl reset resetb conv hold holdb gate pulse done vbp vmid vdd vss
cint bl vss {c_score}
xcompare bl reset resetb done vmid vdd vss comparator
xbelow done below vdd vss inverter
xand below conv gate pulseb vdd vss nand3
xpulse pulseb pulse vdd vss inverter
mramp up vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
xkeep conv done keep vdd vss nand2
xlift hold keep liftb vdd vss nand2
mrampx bl liftb up vdd PMOS_VTG w={w_rampx} l={l_min}
cstep bl holdb {c_step}
.ends

* The signed converter, with half the current. It keeps the comparator's answer as the sign. "steer", its own sign, chooses
* whether the line is lifted or lowered; the two converters without cells have fixed ones.
.subckt output_converter bl reset resetb conv hold holdb steer gatep gaten
+ pulse sign done vbp vbn vmid vdd vss
cint bl vss {c_output}
xcompare bl reset resetb above vmid vdd vss comparator
xbelow above below vdd vss inverter
xhold above kept holdb hold vdd vss switch
xkeptb kept keptb vdd vss inverter
xsign keptb sign vdd vss inverter
xsteer steer steerb vdd vss inverter
xaway0 below away steerb steer vdd vss switch
xaway1 above away steer steerb vdd vss switch
xgate0 gatep gate steerb steer vdd vss switch
xgate1 gaten gate steer steerb vdd vss switch
xand away conv gate pulseb vdd vss nand3
xpulse pulseb pulse vdd vss inverter
xdone away done vdd vss inverter
xstepup hold steerb upb vdd vss nand2
xstepdown hold steer downb vdd vss nand2
xdown downb down vdd vss inverter
xkeep conv done keep vdd vss nand2
xlift hold steerb keep liftb vdd vss nand3
xlowerb hold steer keep lowerb vdd vss nand3
xlower lowerb lower vdd vss inverter
mup up vbp vdd vdd PMOS_VTG w={w_ramp/2} l={l_ramp}
mupx bl liftb up vdd PMOS_VTG w={w_rampx} l={l_min}
mlowx bl lower low vss NMOS_VTG w={w_rampx} l={l_min}
mlow low vbn vss vss NMOS_VTG w={w_rampn/2} l={l_ramp}
cstepup bl upb {c_stepup}
cstepdown bl down {c_stepdown}
.ends

* Bias of the ramps: i_ramp is an ideal current, mirrored.
.subckt references vbp vbn vdd vss
iref vbp vss {i_ramp}
mdiode vbp vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
mcopy vbn vbp vdd vdd PMOS_VTG w={w_ramp} l={l_ramp}
mdown vbn vbn vss vss NMOS_VTG w={w_rampn} l={l_ramp}
cp vbp vdd {c_bias}
cn vbn vss {c_bias}
.ends

.subckt buffer a y vdd vss
mp1 b a vdd vdd PMOS_VTG w={2*w_logicp} l={l_min}
mn1 b a vss vss NMOS_VTG w={2*w_logicn} l={l_min}
mp2 y b vdd vdd PMOS_VTG w={8*w_logicp} l={l_min}
mn2 y b vss vss NMOS_VTG w={8*w_logicn} l={l_min}
.ends
