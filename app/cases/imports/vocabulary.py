"""The words of other systems: what columns and choices are called there, in Chinese and English."""

from __future__ import annotations

# Column names by what they mean; compared without case, blanks and punctuation.
NAMES = {
    "title": ("标题 主题 问题 问题摘要 摘要 问题标题 title subject summary problem compdesc component"),
    "description": (
        "描述 问题描述 客户原话 详情 内容 投诉内容 问题详情 反馈内容 description "
        "details text complaint cdescr narrative"
    ),
    "key": (
        "编号 案件编号 工单号 单号 工单编号 投诉编号 序号 id key number "
        "caseno casenumber ticket ticketid cmplid "
        "reference"
    ),
    "received_at": (
        "时间 日期 接收时间 来电时间 登记时间 受理时间 投诉时间 创建时间 受理日期 登记日期 "
        "来电日期 date received receivedat created "
        "createdat opened datea"
    ),
    "channel": "渠道 来源 受理渠道 来源渠道 channel source",
    "kind": "种类 性质 kind nature",
    "class": "类别 问题类别 分类 问题分类 问题类型 class category",
    "severity": "严重程度 紧急程度 优先级 级别 severity priority urgency",
    "other_type": "办理事项 业务类型 request requesttype",
    "preferred_time": "方便时间 方便联系的时间 联系时间 preferredtime",
    "customer.name": (
        "客户 客户姓名 姓名 客户名称 车主 车主姓名 联系人 name customer customername owner contact"
    ),
    "customer.phone": (
        "电话 手机 手机号 联系电话 电话号码 客户电话 手机号码 联系方式 phone mobile telephone tel phonenumber"
    ),
    "customer.company": ("单位 公司 所属单位 单位名称 公司名称 车队 company organisation organization fleet"),
    "customer.region": "地区 省份 所在地 城市 省市 区域 region state province city",
    "customer.address": "地址 联系地址 address",
    "customer.email": "邮箱 电子邮箱 邮件 email mail",
    "asset.kind": "设备类型 设备种类 devicetype assettype",
    "asset.plate": ("车牌 车牌号 车牌号码 plate platenumber numberplate licenseplate licenceplate"),
    "asset.serial": ("序列号 设备序列号 设备号 终端号 sn 设备编号 serial serialnumber deviceid vin"),
    "asset.make": "品牌 车辆品牌 make brand maketxt manufacturer",
    "asset.model": "型号 车型 设备型号 终端型号 model modeltxt",
    "asset.firmware": "固件 固件版本 firmware version",
    "asset.fitted_on": "安装日期 安装时间 fittedon installed",
    "asset.warranty_until": "质保至 质保到期 warrantyuntil warranty",
    "detail": ("备注 年款 里程 yeartxt crash faildate fire injured deaths miles note remarks mileage year"),
}
# What a cell may say for a choice.
WORDS = {
    "channel": {
        "phone": "电话 来电 热线 phone call",
        "visit": "来访 上门 到店 visit",
        "web": "网页 网站 网上 web website",
        "mail": "邮件 信件 mail email",
        "message": "微信 消息 短信 公众号 wechat message sms",
        "import": "导入 import",
        "api": "接口 api",
    },
    "kind": {
        "complaint": "投诉 报修 故障 complaint",
        "question": "咨询 询问 question enquiry inquiry",
        "suggestion": "建议 suggestion",
    },
    "class": {
        "platform": "平台 平台问题 platform platformproblem",
        "device": "设备 设备问题 device deviceproblem",
        "other": "其他 其他问题 其它 其它问题 other otherproblem",
    },
    "severity": {
        "low": "低 轻微 low minor",
        "normal": "一般 普通 中 正常 normal medium",
        "high": "高 严重 high major",
        "critical": "紧急 特急 重大 critical urgent",
    },
    "other_type": {
        "renew": "续费 renew renewal",
        "add": "新增 开通 add addition",
        "deregister": "注销 deregister deregistration",
    },
    "asset.kind": {
        "vehicle": "车辆 整车 vehicle car truck",
        "terminal": "终端 车载终端 terminal",
        "camera": "摄像头 camera",
        "sensor": "传感器 sensor",
    },
}
